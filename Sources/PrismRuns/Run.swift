import Foundation
import PrismActivations
import PrismCore
import PrismDictionaries
import PrismFormats

/// A run's folder and the names in it.
public struct Run: Sendable {
    public let folder: URL

    /// The record of a run: everything needed to repeat it.
    public struct Record: Codable, Sendable {
        public let version: String
        /// Relative paths in it begin at the run's folder; `readRecord` has made them whole.
        public internal(set) var configuration: DiscoveryConfiguration
        /// Which vectors count as attention sinks.
        public let sinks: SinkFilter
        /// SHA-256 of the model's weights or the matrix, and of the text (over the names and digests of its documents).
        public let digests: [String: String]
        /// What the oversampling's rules did; nil if there is none.
        public let oversampling: [Oversampling.Effect]?
    }

    /// What belongs to one dictionary: the run's own folder if it is the only one, else a folder of its name there.
    public struct Member: Sendable {
        public let folder: URL
        public let configuration: DictionaryConfiguration

        public var metrics: URL { folder.appending(path: "metrics.jsonl") }
        public var events: URL { folder.appending(path: TensorBoardEvents.fileName) }
        public var dictionary: URL { folder.appending(path: "dictionary") }
        public var checkpoints: Checkpoints { Checkpoints(folder.appending(path: "checkpoints")) }
        public var evaluation: URL { folder.appending(path: "evaluation.json") }
        public var atlas: URL { folder.appending(path: "atlas.sqlite") }
        public var report: URL { folder.appending(path: "report.html") }
    }

    public var record: URL { folder.appending(path: "run.json") }
    /// The page to begin with.
    public var report: URL { folder.appending(path: "report.html") }

    public func members(_ configuration: DiscoveryConfiguration) -> [Member] {
        configuration.dictionaries.map {
            Member(folder: $0.name.isEmpty ? folder : folder.appending(path: $0.name), configuration: $0)
        }
    }

    /// A run that exists.
    /// - Throws: `PrismError.usage` if the folder holds none, `.badData` if its record cannot be read.
    public init(_ folder: URL) throws {
        self.folder = folder
        guard FileManager.default.fileExists(atPath: record.path) else {
            throw PrismError.usage("\(folder.path) is no run: it holds no run.json")
        }
        _ = try readRecord()
    }

    /// Makes the folder of a new run.
    /// - Throws: `PrismError.usage` if something stands there already.
    init(creating folder: URL, _ record: Record) throws {
        self.folder = folder
        try Self.requireFree(folder)
        try Files.createFolder(folder)
        try Files.writeAtomically(JSONEncoder.prism.encode(record), to: self.record)
    }

    /// - Throws: `PrismError.usage` if something stands there already.
    static func requireFree(_ folder: URL) throws {
        let files = FileManager.default
        // A run that was killed before it had a record leaves a folder that holds nothing or half a record.
        let contents = try? files.contentsOfDirectory(atPath: folder.path).filter { $0 != ".run.json.partial" }
        guard files.fileExists(atPath: folder.path), contents?.isEmpty != true else { return }
        let isRun = files.fileExists(atPath: folder.appending(path: "run.json").path)
        let other = isRun ? "continue it with `prism discover --resume \(folder.path)` or " : ""
        throw PrismError.usage("\(folder.path) exists already; \(other)choose another --out")
    }

    public func readRecord() throws -> Record {
        do {
            var found = try JSONDecoder().decode(Record.self, from: try Files.read(record))
            found.configuration = found.configuration.located(from: folder)
            return found
        } catch let error as PrismError {
            throw error
        } catch {
            throw PrismError.badData("\(record.path) is damaged or of another version of Prism; start a new run")
        }
    }
}
