import Foundation
import PrismCore
import PrismFormats

/// Which files of a repository make a model that Prism opens.
enum ModelFiles {
    private static let weights = "model.safetensors"
    private static let beside = [
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
        "tokenizer.model",
    ]
    private static let otherWeights = [
        ".gguf", ".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx",
    ]

    /// Configuration, tokenizer and weights; of sharded weights the index, which names the rest.
    /// - Throws: `PrismError.usage` that says what the repository has instead.
    static func usual(in listing: HubListing, of reference: ModelReference) throws -> [HubFile] {
        guard let weights = listing[weights] ?? listing[ShardedSafetensors.indexName] else {
            let others = listing.files.map(\.path).filter { path in otherWeights.contains { path.hasSuffix($0) } }
            throw PrismError.usage(
                others.isEmpty
                    ? "\(reference) holds no weights; choose another model or revision"
                    : "\(reference) has no \(Self.weights) but \(some(others)); name what you want with --file, or choose "
                        + "another model or revision")
        }
        return beside.compactMap { listing[$0] } + [weights]
    }

    /// The files that the index of sharded weights names.
    static func shards(_ index: URL) throws -> [String] {
        let source = try FileBytes(index)
        guard let map = try JSONValue(source)["weight_map"]?.object else {
            throw source.problem("there is no object ‘weight_map’", remedy: "it is not the index of a sharded model")
        }
        return try Set(
            map.map { member in
                // The reader of sharded weights wants them beside the index.
                guard let name = member.value.string, !name.isEmpty, !name.contains("/") else {
                    throw source.problem(
                        "the place of tensor ‘\(member.key)’ must be the name of a file in the same folder")
                }
                return name
            }
        ).sorted()
    }

    /// - kind: whose fault it is if the file is not there.
    static func find(
        _ path: String, in listing: HubListing, of reference: ModelReference, _ kind: PrismError.Kind
    ) throws -> HubFile {
        guard let file = listing[path] else {
            throw PrismError(kind, "\(reference) has no file ‘\(path)’; it has \(some(listing.files.map(\.path)))")
        }
        return file
    }

    /// Whether a snapshot holds the files, or without names a configuration and all weights.
    static func areAll(in snapshot: URL, named files: [String]) -> Bool {
        func has(_ path: String) -> Bool { HubCache.size(snapshot.appending(path: path)) != nil }
        if !files.isEmpty { return files.allSatisfy(has) }
        let index = snapshot.appending(path: ShardedSafetensors.indexName)
        return has("config.json") && (has(weights) || ((try? shards(index))?.allSatisfy(has) ?? false))
    }

    private static func some(_ paths: [String]) -> String {
        paths.prefix(8).joined(separator: ", ") + (paths.count > 8 ? " and \(paths.count - 8) more" : "")
    }
}
