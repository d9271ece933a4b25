import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTensor

/// What a folder of harvested activations says of itself, `manifest.json`.
public struct HarvestManifest: Codable, Sendable {
    public var prismVersion: String
    /// SHA-256 of the model's weights.
    public var modelDigest: String
    public var model: String
    public var hook: HookPoint
    public var width: Int
    /// Vectors in all shards.
    public var vectors: Int
    public var contexts: ContextConfiguration
    /// Which positions have no vector.
    public var leftOut: String
    /// Shard files with their numbers of vectors, in order.
    public var shards: [Shard]
    /// By the index that `document` tensors use.
    public var documents: [Document]
    /// What the oversampling's rules did; nil if there is none.
    public var oversampling: [Oversampling.Effect]?

    /// `vectors`, `width` and `shards` are filled in by the harvest.
    public init(
        modelDigest: String, model: String, hook: HookPoint, contexts: ContextConfiguration,
        documents: [Corpus.Document], oversampling: [Oversampling.Effect]? = nil
    ) {
        prismVersion = PrismCore.prismVersion
        self.modelDigest = modelDigest
        self.model = model
        self.hook = hook
        (width, vectors, shards) = (0, 0, [])
        self.contexts = contexts
        leftOut = "the first position of each context and special tokens"
        self.documents = documents.map { Document(name: $0.name, source: $0.source) }
        self.oversampling = oversampling
    }

    public struct Shard: Codable, Sendable {
        public var file: String
        public var vectors: Int
    }

    /// A text, by its name in the corpus and its source; where it lay is nobody else's business.
    public struct Document: Codable, Sendable {
        public var name, source: String
    }
}

/// Harvests activations to disk: shards of safetensors with `activations` [n, width], and beside each vector its `token`,
/// its `context`, its `position` there and its `document`, all [n] int32, and of an oversampled text the context's `weight`,
/// [n] float64; then `manifest.json`, last, so that a folder without it is known to be incomplete.
public struct ActivationHarvest {
    public let source: ModelActivations
    private let vectorCount: Int
    private let shardVectors = 1 << 17

    /// - limit: the most vectors to write.
    public init(_ source: ModelActivations, limit: Int) {
        self.source = source
        vectorCount = min(limit, source.vectorCount)
    }

    /// - Throws: `PrismError.usage` if the folder exists with something in it, `.runFailed` if the disk is full or the
    ///   work was interrupted; finished shards stay.
    public func write(to folder: URL, _ manifest: HarvestManifest, workers: Workers) throws {
        try Files.createOutput(folder)
        var manifest = manifest
        (manifest.shards, manifest.vectors, manifest.width) = ([], vectorCount, source.width)
        let progress = Progress("harvesting", total: vectorCount, unit: "tokens")
        let vectors = Tensor(min(shardVectors, vectorCount), source.width)
        let labels = source.labels()
        let weights = manifest.oversampling.map { _ in
            source.contexts.flatMap { Array(repeating: $0.weight, count: $0.positions.count) }
        }
        for start in stride(from: 0, to: vectorCount, by: shardVectors) {
            let range = start..<min(start + shardVectors, vectorCount)
            let rows = vectors.rows(0..<range.count)
            try source.read(range, into: rows, workers: workers) {
                progress.advance(by: $0)
                if Interrupt.isRequested {
                    throw PrismError.runFailed("interrupted; \(folder.path) is incomplete, remove it")
                }
            }
            var writer = SafetensorsWriter()
            writer.add("activations", rows)
            for (name, values) in labels { writer.add(name, Array(values[range]), shape: [range.count]) }
            if let weights { writer.add("weight", Array(weights[range]), shape: [range.count]) }
            let name = "shard-\(String(format: "%05d", manifest.shards.count)).safetensors"
            try writer.write(to: folder.appending(path: name))
            manifest.shards.append(.init(file: name, vectors: range.count))
        }
        progress.finish()
        try Files.writeAtomically(JSONEncoder.prism.encode(manifest), to: folder.appending(path: "manifest.json"))
    }
}

extension ModelActivations {
    /// What each vector of the sequence belongs to.
    fileprivate func labels() -> [(String, [Int32])] {
        var columns: [[Int32]] = [[], [], [], []]
        for (index, context) in contexts.enumerated() {
            for position in context.positions {
                columns[0].append(context.tokens[Int(position)])
                columns[1].append(Int32(index))
                columns[2].append(position)
                columns[3].append(Int32(context.document))
            }
        }
        return Array(zip(["token", "context", "position", "document"], columns))
    }
}

/// A matrix of vectors from disk: an .npy file, a folder that `ActivationHarvest` wrote, or a folder of safetensors shards
/// from elsewhere, each with a matrix `activations`.
public struct StoredActivations: Sendable {
    /// [vectors, width]
    public let matrix: Tensor
    /// Rows that belong together, in order: of a document where the folder tells, else 128 rows each.
    private let groups: [[Int]]
    /// How often the context of each row stood in the text that was drawn from; nil if nothing was oversampled.
    private let weights: [Float]?

    /// - Throws: `PrismError.badData` if the shards do not fit together or hold no matrix, or a harvest was interrupted.
    public init(_ url: URL) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw PrismError.usage(
                "there are no activations at \(url.path); give an .npy file or a folder that `prism harvest` wrote")
        }
        var (documents, weights): ([Int32]?, [Float]?)
        if isFolder.boolValue {
            (matrix, documents, weights) = try Self.readShards(url)
        } else {
            let file = try NpyFile(url)
            guard file.shape.count == 2 else {
                throw PrismError.badData("\(url.path) has the shape \(file.shape); a matrix [vectors, width] is needed")
            }
            matrix = file.tensor()
            try matrix.requireFinite(in: url.path)
        }
        guard matrix.rowCount > 0, matrix.rowWidth > 0 else {
            throw PrismError.badData("\(url.path) holds no vectors; write it again")
        }
        self.weights = weights
        if let documents {
            groups = Array(Dictionary(grouping: documents.indices) { documents[$0] }.values).sorted { $0[0] < $1[0] }
        } else {
            let rows = matrix.rowCount
            groups = stride(from: 0, to: rows, by: 128).map { Array($0..<min($0 + 128, rows)) }
        }
    }

    /// Splits the rows by group. - Returns: the groups of either side.
    public func split(heldOutShare: Double, seed: UInt64) -> (training: [[Int]], heldOut: [[Int]]) {
        var (training, heldOut) = ([[Int]](), [[Int]]())
        for (index, group) in groups.enumerated() {
            var draw = SeededGenerator(seed: seed, stream: "split group \(index)")
            if Double(draw.uniform()) < heldOutShare { heldOut.append(group) } else { training.append(group) }
        }
        return (training, heldOut)
    }

    /// The rows of groups that are distributed as the text is: all, unless it was oversampled; then each with a probability of
    /// the least weight divided by its own.
    public func even(_ groups: [[Int]], seed: UInt64) -> [[Int]] {
        guard let weights, let least = weights.min() else { return groups }
        return groups.map { group in
            var draw = SeededGenerator(seed: seed, stream: "even rows from \(group[0])")
            return group.filter { draw.uniform() < least / weights[$0] }
        }.filter { !$0.isEmpty }
    }

    private static func readShards(_ folder: URL) throws -> (Tensor, [Int32]?, [Float]?) {
        let manifestURL = folder.appending(path: "manifest.json")
        let names: [String]
        var isOversampled = false
        let isComplete = FileManager.default.fileExists(atPath: manifestURL.path)
        if isComplete {
            guard let manifest = try? JSONDecoder().decode(HarvestManifest.self, from: Files.read(manifestURL)) else {
                throw PrismError.badData("\(manifestURL.path) is not a harvest's manifest; harvest again")
            }
            names = manifest.shards.map(\.file)
            isOversampled = manifest.oversampling != nil
        } else {
            names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
                $0.hasSuffix(".safetensors")
            }.sorted()
        }
        guard !names.isEmpty else {
            throw PrismError.usage(
                "\(folder.path) holds no .safetensors shards; give an .npy file or a folder that `prism harvest` wrote")
        }
        let files = try names.map { try SafetensorsFile(folder.appending(path: $0)) }
        let parts = try zip(names, files).map { name, file in
            guard let shape = file.shape(of: "activations"), shape.count == 2 else {
                throw PrismError.badData(
                    "\(folder.path)/\(name) holds no matrix called ‘activations’; call it so or take the file away")
            }
            if let labels = file.shape(of: "document"), labels != [shape[0]] {
                throw PrismError.badData(
                    "\(folder.path)/\(name): ‘document’ has the shape \(labels), expected [\(shape[0])], one for each vector; "
                        + "write the file again")
            }
            let part = try file.tensor("activations")
            try part.requireFinite(in: "\(folder.path)/\(name)")
            return part
        }
        if let odd = zip(names, parts).first(where: { $0.1.rowWidth != parts[0].rowWidth }) {
            throw PrismError.badData(
                "\(folder.path)/\(odd.0) holds vectors of \(odd.1.rowWidth) numbers, \(names[0]) of \(parts[0].rowWidth); "
                    + "leave only the shards of one place in a folder")
        }
        guard isComplete || !files.contains(where: { $0.shape(of: "context") != nil }) else {
            throw PrismError.badData(
                "\(folder.path) is an interrupted harvest, it has no manifest.json; remove it and harvest again")
        }
        let hasDocuments = files.allSatisfy { $0.shape(of: "document")?.count == 1 }
        let documents = hasDocuments ? try files.flatMap { try $0.tensor("document").values.map { Int32($0) } } : nil
        let weights = try isOversampled ? zip(files, parts).flatMap { try Self.weights($0, of: $1, in: folder) } : nil
        if parts.count == 1 { return (parts[0], documents, weights) }
        let matrix = Tensor(parts.reduce(0) { $0 + $1.rowCount }, parts[0].rowWidth)
        var row = 0
        for part in parts {
            matrix[row].update(from: part.data, count: part.count)
            row += part.rowCount
        }
        return (matrix, documents, weights)
    }

    private static func weights(_ file: SafetensorsFile, of part: Tensor, in folder: URL) throws -> [Float] {
        let weights = try file.shape(of: "weight") == [part.rowCount] ? file.tensor("weight").values : []
        guard weights.count == part.rowCount, weights.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw PrismError.badData(
                "\(folder.path) was oversampled, but a shard's ‘weight’ does not hold a number above 0 for each vector; harvest again"
            )
        }
        return weights
    }
}

extension Tensor {
    /// - Throws: `PrismError.badData` that names the first number that is none.
    public func requireFinite(in file: String) throws {
        guard let place = (0..<count).first(where: { !data[$0].isFinite }) else { return }
        throw PrismError.badData(
            "\(file) holds \(data[place]) in row \(place / rowWidth), column \(place % rowWidth), counted from 0, where a finite number is needed; "
                + "leave the row out or write the file again")
    }
}
