import Foundation
import PrismCore
import PrismDictionaries
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

/// Whatever happened to the files of a dictionary, of any format: loading them gives a dictionary that computes, or one
/// sentence about what is wrong.
@Suite struct DictionaryDamageTests {
    static let goldens = DictionaryFormatTests.goldens + SAELensFormatTests.goldens

    /// A golden's folder, copied. - body: takes what to load and the files that it consists of.
    private func withCopy(of name: String, _ body: (_ location: URL, _ files: [URL]) throws -> Void) throws {
        try withTemporaryFolder { folder in
            let (source, copy) = (golden("PrismDictionariesTests", name), folder.appending(path: "copy"))
            try FileManager.default.copyItem(at: source, to: copy)
            try FileManager.default.removeItem(at: copy.appending(path: "expected.safetensors"))
            let location = copy.appending(
                path: DictionaryFormatTests.location(of: name).path.dropFirst(source.path.count))
            let below = FileManager.default.enumerator(at: copy, includingPropertiesForKeys: [.isRegularFileKey])
            let files = (below?.allObjects as? [URL] ?? []).filter { !$0.hasDirectoryPath }
            #expect(!files.isEmpty)
            try body(location, files)
        }
    }

    private func isWeights(_ url: URL) -> Bool { url.pathExtension != "json" }

    /// Loads a dictionary and uses it. - Returns: the message, if it was refused.
    @discardableResult
    private func refusal(_ location: URL, _ what: @autoclosure () -> String) -> String? {
        do {
            let dictionary = try SparseDictionary(loading: location)
            // No goldens hold larger ones; a damaged size is not believed.
            #expect(dictionary.latentCount <= 21 && dictionary.width <= 21, "\(what())")
            let x = Tensor(2, dictionary.width)
            for i in 0..<x.count { x.data[i] = Float(i % 5) - 2 }
            dictionary.decode(dictionary.encode(x), of: x, into: Tensor(2, dictionary.outputWidth))
            return nil
        } catch let error as PrismError {
            #expect(error.exitStatus == 65 || error.exitStatus == 64, "\(what()): \(error)")
            #expect(error.message.contains(location.deletingLastPathComponent().path), "\(what()): \(error)")
            #expect(!error.message.contains { $0.isNewline }, "\(what()): \(error)")
            return error.message
        } catch {
            Issue.record("\(what()): \(error)")
            return "\(error)"
        }
    }

    @Test(arguments: goldens) func damagedBytesNeverCrash(name: String) throws {
        try withCopy(of: name) { location, files in
            for file in files {
                let whole = try Data(contentsOf: file)
                // The sizes and names of safetensors stand in front; of zip archives, see the next test.
                try forEachMutation(of: whole, header: 700, count: 30, cuts: 15) { damaged, what in
                    try? FileManager.default.removeItem(at: file)  // some file systems wait for the disk on overwriting
                    try damaged.write(to: file)
                    refusal(location, "\(file.lastPathComponent) \(what)")
                }
                try whole.write(to: file)
            }
            #expect(refusal(location, "whole") == nil)
        }
    }

    /// What is inside a zip archive is guarded by checksums, so it is damaged before it is packed.
    @Test(arguments: goldens.filter { ["dictio", "openai"].contains($0.prefix(6)) } + ["gemma-scope-1"])
    func damagedEntriesNeverCrash(name: String) throws {
        try withCopy(of: name) { location, files in
            let file = try #require(files.first(where: isWeights))
            let archive = try ZipArchive(FileBytes(Data(contentsOf: file), name: file.path))
            let entries = try archive.names.map { name in
                let bytes = try archive.bytes(name)
                return (name: name, data: bytes.data(0..<bytes.count))
            }
            for entry in entries where entry.name.hasSuffix("data.pkl") || entry.name.hasSuffix(".npy") {
                let isPickle = entry.name.hasSuffix("pkl")
                try forEachMutation(
                    of: entry.data, header: isPickle ? entry.data.count : 80, count: isPickle ? 60 : 15, cuts: 6
                ) { damaged, what in
                    var writer = ZipWriter()
                    for other in entries {
                        writer.add(other.name, .data(other.name == entry.name ? damaged : other.data))
                    }
                    try writer.write(to: file)
                    refusal(location, "\(entry.name) \(what)")
                }
            }
        }
    }

    // MARK: Tensors that are whole and do not fit

    /// Writes a file of weights again.
    /// - turned: a tensor whose dimensions are reversed. names: those that change.
    private func rewrite(
        _ source: any TensorFile, to url: URL, turned: String? = nil, names: [String: String] = [:]
    ) throws {
        let members = try source.names.map { old in
            let shape = source.shape(of: old)!
            return (
                old: old, name: names[old] ?? old, tensor: try source.tensor(old),
                shape: old == turned ? shape.reversed() : shape
            )
        }
        func reshaped(_ tensor: Tensor, _ shape: [Int]) -> Tensor { Tensor(shape: shape, tensor.values) }
        switch source {
        case let file as SafetensorsFile:
            var writer = SafetensorsWriter(metadata: file.metadata)
            for member in members {
                let bytes = try file.bytes(member.old)
                writer.add(member.name, file.elementType(of: member.old)!, shape: member.shape) { output in
                    try bytes.withUnsafeBytes { try output.write($0) }
                }
            }
            try writer.write(to: url)
        case is NpzFile: try NpzFile.write(members.map { ($0.name, reshaped($0.tensor, $0.shape)) }, to: url)
        case let file as TorchFile:
            let tensors: [(String, TorchWriter.Value)] = members.map {
                [.i32, .i64].contains(file.elementType(of: $0.old))
                    ? ($0.name, .integers($0.tensor.values.map { Int64($0) }, shape: $0.shape))
                    : ($0.name, .tensor(reshaped($0.tensor, $0.shape)))
            }
            let scalars: [(String, TorchWriter.Value)] = file.scalars.compactMap {
                switch $1 {
                case .integer(let value): ($0, .integer(Int32(value)))
                case .string(let text): ($0, .string(text))
                default: nil
                }
            }
            try TorchWriter.write(tensors + scalars.sorted { $0.0 < $1.0 }, to: url)
        default: Issue.record("\(type(of: source)) cannot be written here")
        }
    }

    private func open(_ url: URL) throws -> any TensorFile {
        // Not mapped: the file is written over while it is read.
        let file = FileBytes(Data(try Data(contentsOf: url)), name: url.path)
        guard ZipArchive.begins(file) else { return try SafetensorsFile(file) }
        let archive = try ZipArchive(file)
        return archive.names.contains { $0.hasSuffix("data.pkl") } ? try TorchFile(archive) : try NpzFile(archive)
    }

    /// A matrix of the other orientation, and two tensors under each other's names, hold as many numbers as before: only
    /// the shapes tell.
    @Test(arguments: goldens) func tensorsInEachOthersPlaceAreRefused(name: String) throws {
        try withCopy(of: name) { location, files in
            let file = files.first(where: isWeights)!
            let whole = try open(file)
            try rewrite(whole, to: file)
            #expect(refusal(location, "written again") == nil)
            for first in whole.names {
                let shape = whole.shape(of: first)!
                if shape.count == 2, shape[0] != shape[1] {
                    try rewrite(whole, to: file, turned: first)
                    let message = refusal(location, "\(first) turned round") ?? "taken"
                    #expect(message.contains("has shape"), "\(first): \(message)")
                }
                for second in whole.names where second < first {
                    try rewrite(whole, to: file, names: [first: second, second: first])
                    let message = refusal(location, "\(first) and \(second) exchanged")
                    #expect(message != nil || shape == whole.shape(of: second)!, "\(first) and \(second) exchanged")
                }
            }
        }
    }

    /// Sizes that only the configuration states are compared with the tensors before memory is asked for.
    @Test(arguments: [
        ("dictionary-learning-matryoshka", "config.json", #""dict_size": 21"#),
        ("dictionary-learning-batchtopk", "config.json", #""dict_size": 21"#),
        ("sparsify-autoencoder", "cfg.json", #""num_latents": 21"#), ("saelens-batchtopk", "cfg.json", #""d_sae": 21"#),
        ("matching_pursuit", "cfg.json", #""d_sae": 21"#), ("matching_pursuit", "cfg.json", #""max_iterations": 4"#),
        ("topk", "cfg.json", #""k": 4"#), ("llama-scope", "hyperparams.json", #""d_sae": 21"#),
        ("saelens-transcoder", "cfg.json", #""d_out": 9"#),
    ])
    func sizesThatNoMemoryHoldsAreRefused(name: String, configuration: String, size: String) throws {
        try withCopy(of: name) { location, files in
            let url = try #require(files.first { $0.lastPathComponent == configuration })
            let text = try String(contentsOf: url, encoding: .utf8)
            #expect(text.contains(size))
            for zeros in [9, 15, 17] {
                let larger = size + String(repeating: "0", count: zeros)
                try Data(text.replacingOccurrences(of: size, with: larger).utf8).write(to: url)
                #expect(refusal(location, larger) != nil, "\(larger)")
            }
        }
    }
}
