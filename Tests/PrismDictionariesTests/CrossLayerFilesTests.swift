import Foundation
import PrismCore
import PrismDictionaries
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct CrossLayerFilesTests {
    private func isEqual(_ a: CrossLayerTranscoder, _ b: CrossLayerTranscoder) -> Bool {
        func numbers(_ transcoder: CrossLayerTranscoder) -> [[Float]] {
            transcoder.layers.flatMap { layer in
                var tensors = [layer.encoder, layer.encoderBias, layer.decoder, layer.decoderBias]
                if case .jumpReLU(let thresholds) = layer.activation { tensors.append(thresholds) }
                return tensors.map(\.values)
            }
        }
        return numbers(a) == numbers(b) && a.configuration == b.configuration
    }

    /// Written from memory and layer by layer: the same files.
    @Test func readsBackWhatItWrote() throws {
        for activation in [{ _ in .relu }, { .jumpReLU(thresholds: $0) }] as [(Tensor) -> LatentActivation] {
            try withTemporaryFolder { folder in
                let random = CrossLayerTranscoderTests.random(activation)
                let transcoder = CrossLayerTranscoder(
                    layers: random.layers,
                    configuration: try CircuitTracerConfiguration(
                        modelName: "a: b", inputHook: "mlp.hook_in", outputHook: "hook_mlp_out"))
                let (first, second) = (folder.appending(path: "first"), folder.appending(path: "second"))
                try transcoder.write(to: first)
                #expect(isEqual(try CrossLayerTranscoder(loading: first), transcoder))
                try CrossLayerFiles(first).write(as: "circuit-tracer", to: second)
                let names = try FileManager.default.contentsOfDirectory(atPath: first.path).sorted()
                #expect(names.count == 9)
                #expect(try FileManager.default.contentsOfDirectory(atPath: second.path).sorted() == names)
                for name in names {
                    let (a, b) = (first.appending(path: name), second.appending(path: name))
                    #expect(try Data(contentsOf: a) == Data(contentsOf: b), "\(name)")
                }
                // Nothing is left beside them, and a folder that is there stays as it is.
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 2)
                let error = #expect(throws: PrismError.self) { try transcoder.write(to: first) }
                #expect(error?.exitStatus == 1)
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 2)
            }
        }
    }

    @Test func refusesWhatOtherFormatsCannotHold() throws {
        try withTemporaryFolder { folder in
            let source = golden("PrismDictionariesTests", "cross-layer-relu")
            let out = folder.appending(path: "out")
            for format in DictionaryFormats.names + ["none"] where format != "circuit-tracer" {
                let error = #expect(throws: PrismError.self) { try CrossLayerFiles(source).write(as: format, to: out) }
                let part = format == "none" ? "no format ‘none’" : "several layers; convert them to circuit-tracer"
                #expect(error?.message.contains(part) == true && error?.exitStatus == 64)
            }
            let topK = CrossLayerTranscoderTests.random { _ in .topK(3) }
            let error = #expect(throws: PrismError.self) { try topK.write(to: out) }
            #expect(error?.message.contains("no place for TopK") == true && error?.exitStatus == 64)
            let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(left.isEmpty)
        }
    }

    /// One dictionary was asked for.
    @Test func foldersOfSeveralLayersSayWhatToName() throws {
        let cross = golden("PrismDictionariesTests", "cross-layer-relu")
        let first = #expect(throws: PrismError.self) { try SparseDictionary(loading: cross) }
        #expect(first?.message.contains("only `prism convert --to circuit-tracer` and") == true)
        #expect(first?.exitStatus == 64)
        let part = cross.appending(path: "W_enc_1.safetensors")
        let third = #expect(throws: PrismError.self) { try SparseDictionary(loading: part) }
        #expect(third?.message.hasSuffix("name its folder") == true && third?.exitStatus == 64)
        let set = golden("PrismDictionariesTests", "circuit-tracer-relu")
        let second = #expect(throws: PrismError.self) { try SparseDictionary(loading: set) }
        #expect(second?.message.hasSuffix("for example \(set.path)/layer_0.safetensors") == true)
        #expect(second?.exitStatus == 64)
    }

    // MARK: Damaged folders

    /// - change: of a golden's folder, which is copied.
    private func refuses(
        _ part: String, status: Int32 = 65, of name: String = "cross-layer-jumprelu", _ change: (URL) throws -> Void
    ) throws {
        try withTemporaryFolder { folder in
            let copy = folder.appending(path: "copy")
            try FileManager.default.copyItem(at: golden("PrismDictionariesTests", name), to: copy)
            try change(copy)
            let error = #expect(throws: PrismError.self) { try CrossLayerTranscoder(loading: copy) }
            #expect(error?.message.contains(part) == true, "\(error?.message ?? "nothing thrown")")
            #expect(error?.exitStatus == status)
        }
    }

    @Test func foldersThatAreIncompleteOrMixed() throws {
        func remove(_ name: String) -> (URL) throws -> Void {
            { try FileManager.default.removeItem(at: $0.appending(path: name)) }
        }
        func change(_ file: String, _ body: @escaping (inout [String: Tensor]) -> Void) -> (URL) throws -> Void {
            { folder in
                let url = folder.appending(path: file)
                let old = try SafetensorsFile(url)
                var tensors = try old.names.reduce(into: [:]) { $0[$1] = try old.tensor($1).copy() }
                body(&tensors)
                var writer = SafetensorsWriter()
                for (name, tensor) in tensors { writer.add(name, tensor) }
                try writer.write(to: url)
            }
        }
        try refuses("lacks W_dec_1.safetensors: by W_dec_0 there are 3 layers", remove("W_dec_1.safetensors"))
        try refuses("lacks W_enc_2.safetensors", remove("W_enc_2.safetensors"))
        try refuses("there is no file", status: 64, remove("W_enc_0.safetensors"))
        try refuses("there is no file", status: 64, remove("W_dec_0.safetensors"))
        try refuses("has W_dec_3.safetensors, but by W_dec_0 there are 3 layers") {
            try Data().write(to: $0.appending(path: "W_dec_3.safetensors"))
        }
        let encoder = "W_enc_1.safetensors"
        try refuses("there is no tensor ‘threshold_1’", change(encoder) { $0["threshold_1"] = nil })
        try refuses("‘extra’ does not belong to a cross-layer", change(encoder) { $0["extra"] = Tensor(2) })
        try refuses("‘W_enc_1’ has shape [12, 5], expected [13, 5]", change(encoder) { $0["W_enc_1"] = Tensor(12, 5) })
        try refuses("‘b_dec_1’ has shape [6], expected [5]", change(encoder) { $0["b_dec_1"] = Tensor(6) })
        try refuses("‘b_enc_1’ holds nan at place 4", change(encoder) { $0["b_enc_1"]!.data[4] = .nan })
        try refuses(
            "‘W_dec_1’ has shape [13, 3, 5], expected [13, 2, 5]",
            change("W_dec_1.safetensors") { $0["W_dec_1"] = Tensor(13, 3, 5) })
        try refuses(
            "‘threshold_1’ does not belong", of: "cross-layer-relu", change(encoder) { $0["threshold_1"] = Tensor(13) })
        func configuration(_ text: String) -> (URL) throws -> Void {
            { try Data(text.utf8).write(to: $0.appending(path: "config.yaml")) }
        }
        try refuses("key ‘model_kind’ is ‘transcoder_set’", configuration("model_kind: transcoder_set\n"))
        try refuses("key ‘activation’ is ‘topk’", configuration("activation: 'topk'\n"))
        try refuses("expected YAML with keys at the top", configuration("- a\n"))
    }

    @Test(arguments: [("W_enc_0.safetensors", 320), ("W_dec_0.safetensors", 80), ("config.yaml", 160)])
    func damagedFilesNeverCrash(file: String, header: Int) throws {
        try withTemporaryFolder { folder in
            let copy = folder.appending(path: "copy")
            try FileManager.default.copyItem(at: golden("PrismDictionariesTests", "cross-layer-relu"), to: copy)
            let url = copy.appending(path: file)
            let whole = try Data(contentsOf: url)
            try forEachMutation(of: whole, header: header, count: 300) { damaged, what in
                try? FileManager.default.removeItem(at: url)  // some file systems wait for the disk on overwriting
                try damaged.write(to: url)
                do {
                    let transcoder = try CrossLayerTranscoder(loading: copy)
                    _ = transcoder.decode(
                        transcoder.encode(CrossLayerTranscoderTests.inputs(of: transcoder, tokens: 1)))
                } catch {
                    #expect(error is PrismError, "\(what): \(error)")
                }
            }
        }
    }
}
