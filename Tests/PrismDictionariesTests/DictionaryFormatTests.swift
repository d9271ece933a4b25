import Foundation
import PrismCore
import PrismDictionaries
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct DictionaryFormatTests {
    /// Folders that the other libraries wrote, with what they compute (Scripts/goldens/format_goldens.py).
    static let goldens = [
        "saelens-standard", "saelens-standard-layer-norm", "saelens-jumprelu", "saelens-gated", "saelens-transcoder",
        "saelens-skip_transcoder", "saelens-jumprelu_transcoder", "saelens-jumprelu_skip_transcoder",
        "saelens-batchtopk", "saelens-matryoshka_batchtopk", "sparsify-autoencoder", "sparsify-transcoder",
        "sparsify-skip", "sparsify-skip-autoencoder", "dictionary-learning-standard", "dictionary-learning-april",
        "dictionary-learning-gated", "dictionary-learning-topk", "dictionary-learning-batchtopk",
        "dictionary-learning-matryoshka", "dictionary-learning-jumprelu", "openai-relu", "openai-topk",
        "gemma-scope-1", "gemma-scope-2", "gemma-scope-2-skip", "circuit-tracer-relu", "circuit-tracer-relu-skip",
        "circuit-tracer-jumprelu", "llama-scope",
    ]

    static func location(of name: String) -> URL {
        let folder = golden("PrismDictionariesTests", name)
        return switch name.prefix(6) {
        case "openai": folder.appending(path: "layer.pt")
        case "circui": folder.appending(path: "layer_0.safetensors")
        default: folder
        }
    }

    /// z as a matrix, and ŷ.
    private func outputs(_ dictionary: SparseDictionary, _ x: Tensor) -> (z: Tensor, y: Tensor) {
        let codes = dictionary.encode(x)
        let z = Tensor(x.rowCount, dictionary.latentCount)
        for t in 0..<x.rowCount { for active in codes[t] { z[t][active.latent] = active.value } }
        let y = Tensor(x.rowCount, dictionary.outputWidth)
        dictionary.decode(codes, of: x, into: y)
        return (z, y)
    }

    private func largestDifference(_ a: Tensor, _ b: Tensor) -> Float {
        guard a.shape == b.shape else { return .infinity }
        return zip(a.values, b.values).map { abs($0 - $1) }.max() ?? 0
    }

    @Test(arguments: goldens)
    func computesWhatTheLibraryComputes(name: String) throws {
        let expected = try SafetensorsFile(
            golden("PrismDictionariesTests", name).appending(path: "expected.safetensors"))
        let (dictionary, _, format) = try DictionaryFormats.read(Self.location(of: name))
        #expect(name.hasPrefix(format == "gemma-scope" ? "gemma-scope-1" : format))
        let (z, y) = outputs(dictionary, try expected.tensor("x"))
        // Sums of 21 products at most, of numbers up to about 10, in another order.
        #expect(largestDifference(z, try expected.tensor("z")) < 1e-5)
        #expect(largestDifference(y, try expected.tensor("y")) < 1e-5)
    }

    // MARK: Round trips

    enum Kind: String, CaseIterable { case topK, relu, jumpReLU, gated, matchingPursuit }

    /// Everything about a dictionary that formats differ in.
    struct Case: CustomStringConvertible {
        var kind = Kind.relu
        var isCentred = true
        var skips = false
        var outputWidth = 5
        var standardises = false

        static let all: [Case] = Kind.allCases.flatMap { kind in
            // A pursuit writes what it reads.
            kind == .matchingPursuit
                ? [Case(kind: kind), Case(kind: kind, isCentred: false), Case(kind: kind, standardises: true)]
                : [
                    Case(kind: kind), Case(kind: kind, isCentred: false),
                    Case(kind: kind, isCentred: false, skips: true),
                    Case(kind: kind, isCentred: false, outputWidth: 7),
                    Case(kind: kind, isCentred: false, skips: true, outputWidth: 7),
                    Case(kind: kind, standardises: true),
                ]
        }

        var description: String {
            "\(kind)\(isCentred ? " centred" : "")\(skips ? " skip" : "") \(outputWidth)\(standardises ? " standardised" : "")"
        }

        func dictionary(latents: Int = 11, width: Int = 5) -> SparseDictionary {
            var generator = SeededGenerator(seed: 4, stream: "formats")
            func tensor(_ shape: Int...) -> Tensor {
                let tensor = Tensor(shape: shape)
                for i in 0..<tensor.count { tensor.data[i] = generator.normal() }
                return tensor
            }
            let activation: LatentActivation =
                switch kind {
                case .topK: .topK(3)
                case .relu: .relu
                case .jumpReLU: .rectified(thresholds: tensor(latents))
                case .gated: .gated(logScale: tensor(latents), bias: tensor(latents))
                case .matchingPursuit: .matchingPursuit(3, end: PursuitEnd(residual: 0.1, onRepeat: true))
                }
            let encoder = tensor(latents, width)
            // Shorter than √2, so that what is left over shrinks.
            if kind == .matchingPursuit { for i in 0..<encoder.count { encoder.data[i] *= 0.3 } }
            return SparseDictionary(
                encoder: encoder, encoderBias: kind == .matchingPursuit ? Tensor(latents) : tensor(latents),
                decoder: kind == .matchingPursuit ? encoder : tensor(latents, outputWidth),
                decoderBias: tensor(outputWidth), activation: activation, centresInput: isCentred,
                skip: skips ? tensor(outputWidth, width) : nil, standardisesInput: standardises)
        }
    }

    /// Formats × dictionaries: what is written is read back, with the same numbers where nothing had to be folded, and
    /// what a format cannot hold is refused and leaves no file.
    @Test(arguments: DictionaryFormats.names)
    func readsBackWhatItWrote(format: String) throws {
        var written = 0
        let metadata = SAELensMetadata(hookName: "blocks.3.hook_resid_post")
        var x = SeededGenerator(seed: 5, stream: "vectors")
        let vectors = Tensor(shape: [23, 5], (0..<115).map { _ in x.normal() })
        for item in Case.all {
            let dictionary = item.dictionary()
            try withTemporaryFolder { folder in
                let url = folder.appending(path: "out")
                do {
                    try DictionaryFormats.write(dictionary, metadata, as: format, to: url)
                } catch let error as PrismError {
                    #expect(error.kind == .usage && error.message.contains(format), "\(item): \(error.message)")
                    #expect(!FileManager.default.fileExists(atPath: url.path))
                    return
                }
                written += 1
                let (copy, _, found) = try DictionaryFormats.read(url)
                #expect(found == format)
                #expect(
                    copy.decoder.values == dictionary.decoder.values && copy.encoder.values == dictionary.encoder.values
                )
                #expect(copy.decoderBias.values == dictionary.decoderBias.values)
                #expect(copy.skip?.values == dictionary.skip?.values)
                if case .matchingPursuit(let k, let end) = dictionary.activation,
                    case .matchingPursuit(let itsK, let itsEnd) = copy.activation
                {
                    #expect(itsK == k && itsEnd == end)
                }
                if copy.centresInput == dictionary.centresInput {
                    #expect(copy.encoderBias.values == dictionary.encoderBias.values, "\(item)")
                }
                let (ours, theirs) = (outputs(dictionary, vectors), outputs(copy, vectors))
                // b_enc ± W b_dec is rounded once; a latent within that rounding of its threshold does not occur here.
                #expect(largestDifference(ours.z, theirs.z) < 1e-5, "\(item)")
                #expect(largestDifference(ours.y, theirs.y) < 1e-4, "\(item)")
            }
        }
        // Counted by hand from the formats' definitions.
        let expected = [
            "saelens": 20, "sparsify": 3, "dictionary-learning": 8, "gemma-scope": 6, "gemma-scope-2": 10,
            "llama-scope": 2, "openai": 3, "circuit-tracer": 6,
        ]
        #expect(written == expected[format])
    }

    /// In one word: every golden, written in its own format again, has the same numbers.
    @Test(arguments: goldens + SAELensFormatTests.goldens)
    func writesWhatItRead(name: String) throws {
        // Training checkpoints, folded steps and classes that become another one have other numbers by definition.
        let (dictionary, metadata, format) = try DictionaryFormats.read(Self.location(of: name))
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "again")
            try DictionaryFormats.write(dictionary, metadata, as: format, to: url)
            let copy = try SparseDictionary(loading: url)
            #expect(
                copy.encoder.values == dictionary.encoder.values && copy.decoder.values == dictionary.decoder.values)
            #expect(copy.decoderBias.values == dictionary.decoderBias.values)
            #expect(copy.activation.kind == dictionary.activation.kind)
            #expect(copy.standardisesInput == dictionary.standardisesInput)
            let x = Tensor(shape: [2, 6], (0..<12).map { Float($0 % 5) - 2 })
            let (ours, theirs) = (outputs(dictionary, x), outputs(copy, x))
            #expect(largestDifference(ours.z, theirs.z) < 1e-5 && largestDifference(ours.y, theirs.y) < 1e-5)
        }
    }

    // MARK: What is refused

    /// - change: of the golden's folder, which is copied. part: of the message.
    private func refuses(_ name: String, _ part: String, status: Int32 = 65, _ change: (URL) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let copy = folder.appending(path: "copy")
            try FileManager.default.copyItem(at: golden("PrismDictionariesTests", name), to: copy)
            try change(copy)
            let url = copy.appending(
                path: String(Self.location(of: name).path.dropFirst(golden("PrismDictionariesTests", name).path.count)))
            let error = #expect(throws: PrismError.self) { try SparseDictionary(loading: url) }
            #expect(error?.message.contains(part) == true, "\(error?.message ?? "nothing thrown")")
            #expect(error?.exitStatus == status)
        }
    }

    private func replace(_ from: String, _ to: String, in url: URL) throws {
        let text = try String(contentsOf: url, encoding: .utf8)
        #expect(text.contains(from))
        try Data(text.replacingOccurrences(of: from, with: to).utf8).write(to: url)
    }

    @Test(arguments: [
        ("sparsify-skip", "cfg.json", #""topk""#, #""groupmax""#, "key ‘activation’ is ‘groupmax’, supported: ‘topk’"),
        (
            "sparsify-skip", "cfg.json", #""skip_connection": true"#, #""skip_connection": false"#,
            "‘W_skip’ does not belong"
        ),
        ("sparsify-autoencoder", "cfg.json", #""d_in": 6"#, #""d_in": 5"#, "has shape [21, 6], expected [21, 5]"),
        ("sparsify-autoencoder", "cfg.json", #""k": 4"#, #""k": 4, "mode": 1"#, "key ‘mode’ is unknown"),
        ("saelens-transcoder", "cfg.json", #""d_out": 9"#, #""d_out": 6"#, "expected [21, 6]"),
        (
            "saelens-transcoder", "cfg.json", #""apply_b_dec_to_input": false"#, #""apply_b_dec_to_input": true"#,
            "must be false for a transcoder"
        ),
        ("dictionary-learning-topk", "config.json", #""k": 4"#, #""k": 5"#, "key ‘trainer.k’ is 5, but ae.pt holds 4"),
        ("dictionary-learning-topk", "config.json", "AutoEncoderTopK", "IdentityDict", "is ‘IdentityDict’, supported"),
        (
            "dictionary-learning-topk", "config.json", "AutoEncoderTopK", "AutoEncoder",
            "does not belong to a AutoEncoder"
        ),
        ("gemma-scope-2-skip", "config.json", "true", "false", "key ‘affine_connection’ is false"),
        ("gemma-scope-2", "config.json", "jump_relu", "topk", "key ‘architecture’ is ‘topk’"),
        ("llama-scope", "hyperparams.json", "dataset-wise", "token-wise", "key ‘norm_activation’ is ‘token-wise’"),
        ("llama-scope", "hyperparams.json", #""in": 1.5"#, #""in": 0"#, "must be from 1e-6 to 1e6, found 0.0"),
        ("llama-scope", "hyperparams.json", "jumprelu", "tanh", "key ‘act_fn’ is ‘tanh’"),
    ])
    func configurationsThatLie(name: String, file: String, from: String, to: String, part: String) throws {
        try refuses(name, part) { try replace(from, to, in: $0.appending(path: file)) }
    }

    @Test func weightsThatDoNotFit() throws {
        func change(_ file: URL, _ body: (inout [String: Tensor]) -> Void) throws {
            let old = try SafetensorsFile(file)
            var tensors = try old.names.reduce(into: [:]) { $0[$1] = try old.tensor($1).copy() }
            body(&tensors)
            var writer = SafetensorsWriter()
            for (name, tensor) in tensors { writer.add(name, tensor) }
            try writer.write(to: file)
        }
        let circuit = "circuit-tracer-jumprelu"
        func layer(_ folder: URL) -> URL { folder.appending(path: "layer_0.safetensors") }
        // The orientation of SAELens in a file of circuit-tracer.
        try refuses(circuit, "‘W_enc’ has shape [6, 21], expected [21, 6]") {
            try change(layer($0)) { $0["W_enc"] = $0["W_enc"]!.transposed() }
        }
        try refuses(circuit, "‘extra’ does not belong") { try change(layer($0)) { $0["extra"] = Tensor(2) } }
        try refuses(circuit, "there is no tensor ‘b_enc’") { try change(layer($0)) { $0["b_enc"] = nil } }
        try refuses(circuit, "‘b_dec’ holds nan at place 2") { try change(layer($0)) { $0["b_dec"]!.data[2] = .nan } }
        try refuses(circuit, "key ‘activation’ is ‘topk’") {
            try Data("model_kind: transcoder_set\nactivation: \"topk\"\nk: 3\n".utf8).write(
                to: $0.appending(path: "config.yaml"))
        }
        try refuses("gemma-scope-2", "expected BF16 or F16 or F32 or F64") {
            let file = $0.appending(path: "params.safetensors")
            let old = try SafetensorsFile(file)
            var writer = SafetensorsWriter()
            for name in old.names where name != "threshold" { writer.add(name, try old.tensor(name)) }
            writer.add("threshold", [Int64](repeating: 1, count: 21), shape: [21])
            try writer.write(to: file)
        }
        try refuses("dictionary-learning-batchtopk", "training never set it") {
            let file = $0.appending(path: "ae.pt")
            let old = try TorchFile(ZipArchive(FileBytes(file)))
            var members: [(String, TorchWriter.Value)] = [
                ("threshold", .tensor(Tensor(shape: [], [-1]))), ("k", .integers([4], shape: [])),
            ]
            for name in old.names where !["k", "threshold"].contains(name) {
                members.append((name, .tensor(try old.tensor(name).copy())))
            }
            try TorchWriter.write(members, to: file)
        }
    }

    @Test func filesThatAreNoneOrTwo() throws {
        try withTemporaryFolder { folder in
            let none = #expect(throws: PrismError.self) { try SparseDictionary(loading: folder) }
            #expect(none?.exitStatus == 64)
            for name in DictionaryFormats.names { #expect(none?.message.contains(name) == true) }
            let missing = #expect(throws: PrismError.self) {
                try SparseDictionary(loading: folder.appending(path: "no"))
            }
            #expect(missing?.message.contains("no file or folder") == true)
            for name in ["gemma-scope-1", "gemma-scope-2"] {
                let source = golden("PrismDictionariesTests", name)
                for file in try FileManager.default.contentsOfDirectory(atPath: source.path)
                where file != "expected.safetensors" {
                    try FileManager.default.copyItem(
                        at: source.appending(path: file), to: folder.appending(path: file))
                }
            }
            let two = #expect(throws: PrismError.self) { try SparseDictionary(loading: folder) }
            #expect(two?.message.contains("gemma-scope or gemma-scope-2") == true, "\(two?.message ?? "")")
            // By what is inside, under any name.
            let named = folder.appending(path: "any.bin")
            try FileManager.default.moveItem(at: folder.appending(path: "params.npz"), to: named)
            #expect(try DictionaryFormats.read(named).format == "gemma-scope")
            let other = folder.appending(path: "vectors.safetensors")
            var writer = SafetensorsWriter()
            writer.add("x", Tensor(3))
            try writer.write(to: other)
            let stranger = #expect(throws: PrismError.self) { try SparseDictionary(loading: other) }
            #expect(stranger?.exitStatus == 65 && stranger?.message.contains("looked for") == true)
        }
    }
}
