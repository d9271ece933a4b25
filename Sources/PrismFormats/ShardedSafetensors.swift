import Foundation
import PrismCore
import PrismTensor

/// A folder of safetensors files with an index, as Hugging Face writes large models: `model.safetensors.index.json` holds
/// `{"weight_map": {tensor name: file name}}`.
public struct ShardedSafetensors: WeightSource {
    private let shards: [String: SafetensorsFile]
    /// Tensor name → file name. Tensors of the files that the index does not name are left out.
    private let places: [String: String]
    private let index: FileBytes

    public static let indexName = "model.safetensors.index.json"

    /// - Throws: `PrismError` if a file is missing or damaged, or lacks a tensor that the index places there.
    public init(folder: URL) throws {
        index = try FileBytes(folder.appending(path: Self.indexName))
        guard let map = try JSONValue(index)["weight_map"]?.object else {
            throw index.problem("there is no object ‘weight_map’", remedy: "it is not the index of a sharded model")
        }
        var shards: [String: SafetensorsFile] = [:]
        var places: [String: String] = [:]
        for member in map {
            guard let file = member.value.string, !file.contains("/"), !file.isEmpty else {
                throw index.problem("the place of tensor ‘\(member.key)’ must be the name of a file in the same folder")
            }
            let shard = try shards[file] ?? SafetensorsFile(folder.appending(path: file))
            shards[file] = shard
            guard shard.tensors[member.key] != nil else {
                throw index.problem(
                    "‘\(file)’ holds no tensor ‘\(member.key)’, though the index places it there",
                    remedy: "index and files are of different versions: fetch them again")
            }
            places[member.key] = file
        }
        self.shards = shards
        self.places = places
    }

    public var names: [String] { places.keys.sorted() }

    public func shape(of name: String) -> [Int]? { places[name].flatMap { shards[$0]?.shape(of: name) } }

    public func tensor(_ name: String, shape: [Int]?) throws -> Tensor {
        guard let place = places[name], let shard = shards[place] else { throw index.missing(name, among: places.keys) }
        return try shard.tensor(name, shape: shape)
    }
}
