import Foundation
import PrismCore
import PrismDictionaries
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct SAELensFormatTests {
    /// Folders that SAELens wrote (Scripts/goldens/saelens_goldens.py), with what it computes: TopK plain and with each step
    /// that is folded into the weights, pursuits of 4 steps, that end with a latent's return, and that end with the residual.
    static let goldens = [
        "topk", "topk-rescaled", "topk-input", "topk-both", "matching_pursuit", "matching_pursuit-default",
        "matching_pursuit-residual",
    ]

    @Test(arguments: goldens) func computesWhatSAELensComputes(name: String) throws {
        let folder = golden("PrismDictionariesTests", name)
        let expected = try SafetensorsFile(folder.appending(path: "expected.safetensors"))
        let x = try expected.tensor("x")
        let dictionary = try SparseDictionary(loading: folder)
        let codes = dictionary.encode(x)
        let z = Tensor(x.rowCount, dictionary.latentCount)
        for t in 0..<x.rowCount { for active in codes[t] { z[t][active.latent] = active.value } }
        let y = Tensor(shape: x.shape)
        dictionary.decode(codes, of: x, into: y)
        // Sums of six products of numbers up to about 4, in another order.
        for (ours, theirs) in [(z, try expected.tensor("z")), (y, try expected.tensor("y"))] {
            #expect(ours.shape == theirs.shape)
            #expect(zip(ours.values, theirs.values).allSatisfy { abs($0 - $1) < 1e-5 })
        }
    }

    @Test func readsBackWhatItWrote() throws {
        // Neither a multiple of the 16 columns nor of the 32-number blocks in which matrices are transposed.
        for (latents, width, k) in [(1, 1, 1), (50, 37, 9), (33, 64, 33)] {
            try withTemporaryFolder { folder in
                let folder = folder.appending(path: "new/dictionary")
                let dictionary = random(latents, width, k: k, seed: 1)
                try dictionary.save(to: folder)
                // In place of another one, with the files that only one of them has.
                for frequencies in [[Double](repeating: 0.25, count: latents), nil] {
                    let metadata = SAELensMetadata(modelName: "a/b", contextSize: 128, excludeSpecialTokens: true)
                    try dictionary.save(to: folder, metadata: metadata, frequencies: frequencies)
                    let copy = try SparseDictionary(loading: folder)
                    #expect(copy.activation.k == k && copy.encoder.shape == [latents, width])
                    #expect(copy.encoder.values == dictionary.encoder.values)
                    #expect(copy.decoder.values == dictionary.decoder.values)
                    #expect(copy.encoderBias.values == dictionary.encoderBias.values)
                    #expect(copy.decoderBias.values == dictionary.decoderBias.values)
                    #expect(try SAELensMetadata(of: folder) == metadata)
                    var expected: Set = ["cfg.json", "sae_weights.safetensors"]
                    if frequencies != nil { expected.insert("sparsity.safetensors") }
                    #expect(try Set(FileManager.default.contentsOfDirectory(atPath: folder.path)) == expected)
                }
            }
        }
    }

    @Test func writesTheDocumentedFiles() throws {
        try withTemporaryFolder { folder in
            let dictionary = random(5, 3, k: 2, seed: 2)
            let metadata = SAELensMetadata(hookName: "blocks.3.hook_resid_post", prependBOS: true)
            try dictionary.save(to: folder, metadata: metadata, frequencies: [0, 0.001, 0.1, 0.5, 1])
            let json = try #require(
                JSONSerialization.jsonObject(with: Data(contentsOf: folder.appending(path: "cfg.json")))
                    as? NSDictionary)
            let null = NSNull()
            #expect(
                json == [
                    "architecture": "topk", "d_in": 3, "d_sae": 5, "k": 2, "rescale_acts_by_decoder_norm": false,
                    "dtype": "float32", "device": "cpu", "apply_b_dec_to_input": true, "normalize_activations": "none",
                    "reshape_activations": "none",
                    "metadata": [
                        "sae_lens_version": "6.0.0", "sae_lens_training_version": null, "model_name": null,
                        "hook_name": "blocks.3.hook_resid_post", "hook_head_index": null, "context_size": null,
                        "prepend_bos": true, "exclude_special_tokens": null, "dataset_path": null,
                        "neuronpedia_id": null,
                    ] as NSDictionary,
                ] as NSDictionary)
            let weights = try SafetensorsFile(folder.appending(path: "sae_weights.safetensors"))
            #expect(weights.names == ["W_dec", "W_enc", "b_dec", "b_enc"])
            let encoder = try weights.tensor("W_enc", shape: [3, 5])
            for c in 0..<3 { for i in 0..<5 { #expect(encoder[c][i] == dictionary.encoder[i][c]) } }
            let sparsity = try SafetensorsFile(folder.appending(path: "sparsity.safetensors")).tensor(
                "sparsity", shape: [5])
            #expect(zip(sparsity.values, [-10, -3, -1, -0.30103, 0]).allSatisfy { abs($0 - $1) < 1e-5 })
        }
    }

    @Test func aFailedWriteLeavesTheOldDictionary() throws {
        try withTemporaryFolder { folder in
            try random(5, 3, k: 2, seed: 3).save(to: folder)
            let before = try Data(contentsOf: folder.appending(path: "sae_weights.safetensors"))
            let partial = folder.appending(path: ".partial")
            try Data().write(to: folder.appending(path: "file"))
            #expect(throws: PrismError.self) {
                try random(5, 3, k: 2, seed: 4).save(to: folder.appending(path: "file"))
            }
            #expect(try Data(contentsOf: folder.appending(path: "sae_weights.safetensors")) == before)
            #expect(!FileManager.default.fileExists(atPath: partial.path))
        }
    }

    /// - change: of the text of cfg.json that `save` wrote, [from, to]. part: of the message.
    @Test(arguments: [
        (#""topk""#, #""topkk""#, "key ‘architecture’ is ‘topkk’, supported: ‘batchtopk’, ‘gated’, ‘jumprelu’"),
        (#""k" : 2"#, #""k" : 6"#, "key ‘k’ must be a whole number from 1 to 5, found 6"),
        (#""k" : 2"#, #""k" : 2.5"#, "key ‘k’ must be a whole number from 1 to 5, found 2.5"),
        (#""k" : 2,"#, "", "key ‘k’ is missing"),
        (#""d_in" : 3"#, #""d_in" : 0"#, "key ‘d_in’ must be a positive whole number, found 0"),
        (#""d_in" : 3"#, #""d_in" : 4"#, "has shape [3, 5], expected [4, 5]"),
        (#""d_sae" : 5"#, #""d_sae" : 4000000000000000000"#, "has shape [3, 5], expected [3, 4000000000000000000]"),
        (#""float32""#, #""float16""#, "has dtype F32, expected F16"),
        (#""float32""#, #""int8""#, "key ‘dtype’ is ‘int8’, supported: ‘bfloat16’, ‘float16’"),
        (
            #""normalize_activations" : "none""#, #""normalize_activations" : "expected_average_only_in""#,
            "is ‘expected_average_only_in’, supported: ‘layer_norm’, ‘none’"
        ),
        (#""reshape_activations" : "none""#, #""reshape_activations" : "hook_z""#, "is ‘hook_z’, supported: ‘none’"),
        (#""6.0.0""#, #""5.11.0""#, "must be 6 or later, found 5.11.0"),
        (#""device""#, #""top_k_twice""#, "key ‘top_k_twice’ is unknown"),
        (#""apply_b_dec_to_input" : true"#, #""apply_b_dec_to_input" : 1"#, "must be true or false, found 1"),
    ])
    func aConfigurationThatLiesIsRefused(from: String, to: String, part: String) throws {
        try withTemporaryFolder { folder in
            try random(5, 3, k: 2, seed: 5).save(to: folder)
            let url = folder.appending(path: "cfg.json")
            let text = try String(contentsOf: url, encoding: .utf8)
            #expect(text.contains(from))
            try Data(text.replacingOccurrences(of: from, with: to).utf8).write(to: url)
            let error = #expect(throws: PrismError.self) { try SparseDictionary(loading: folder) }
            #expect(
                error?.message.contains(part) == true && error?.message.hasPrefix(folder.path) == true,
                "\(error?.message ?? "nothing thrown")")
        }
    }

    @Test(arguments: [
        ("W_enc", nil, "there is no tensor ‘W_enc’"),
        ("b_dec", Tensor(4), "tensor ‘b_dec’ has shape [4], expected [3]"),
        ("b_dec", Tensor(shape: [3], [0, .nan, 0]), "tensor ‘b_dec’ holds nan at place 1"),
        ("threshold", Tensor(5), "tensor ‘threshold’ does not belong to a topk dictionary"),
    ])
    func weightsThatDoNotFitAreRefused(name: String, tensor: Tensor?, part: String) throws {
        try withTemporaryFolder { folder in
            try random(5, 3, k: 2, seed: 6).save(to: folder)
            let url = folder.appending(path: "sae_weights.safetensors")
            let file = try SafetensorsFile(url)
            var writer = SafetensorsWriter()
            for other in file.names where other != name { writer.add(other, try file.tensor(other)) }
            if let tensor { writer.add(name, tensor) }
            try writer.write(to: url)
            let error = #expect(throws: PrismError.self) { try SparseDictionary(loading: folder) }
            #expect(
                error?.message.contains(part) == true && error?.message.hasPrefix(url.path) == true,
                "\(error?.message ?? "nothing thrown")")
        }
    }

    @Test func missingFilesAreNamed() throws {
        try withTemporaryFolder { folder in
            for name in ["cfg.json", "sae_weights.safetensors"] {
                try random(5, 3, k: 2, seed: 7).save(to: folder)
                try FileManager.default.removeItem(at: folder.appending(path: name))
                let error = #expect(throws: PrismError.self) { try SparseDictionary(loading: folder) }
                #expect(error?.message.contains(name) == true)
            }
        }
    }

    private func random(_ latents: Int, _ width: Int, k: Int, seed: UInt64) -> SparseDictionary {
        var generator = SeededGenerator(seed: seed, stream: "test")
        func tensor(_ shape: Int...) -> Tensor {
            let tensor = Tensor(shape: shape)
            for i in 0..<tensor.count { tensor.data[i] = generator.normal() }
            return tensor
        }
        return SparseDictionary(
            encoder: tensor(latents, width), encoderBias: tensor(latents), decoder: tensor(latents, width),
            decoderBias: tensor(width), activation: .topK(k))
    }
}
