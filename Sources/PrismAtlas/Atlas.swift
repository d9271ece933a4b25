import Foundation
import GRDB
import PrismCore

/// The feature database of a run: for each latent its statistics, examples, effects and neighbours.
///
/// A SQLite file (`AtlasSchema`), opened for reading only; safe to share between threads.
public final class Atlas: Sendable {
    public let url: URL
    package let queue: DatabaseQueue

    /// - Throws: `PrismError.usage` if there is no such file, `.badData` if it is no atlas or of a newer version.
    public init(_ url: URL) throws {
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw PrismError.usage("there is no file \(url.path)")
        }
        self.url = url
        do {
            var configuration = Configuration()
            configuration.readonly = true
            queue = try DatabaseQueue(path: url.path, configuration: configuration)
            let (application, version) = try queue.read { db in
                try (
                    Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0,
                    Int32.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                )
            }
            guard application == AtlasSchema.applicationID else {
                throw PrismError.badData("\(url.path) is a database, but not an atlas: give the atlas.sqlite of a run")
            }
            guard version <= AtlasSchema.version else {
                throw PrismError.badData(
                    "\(url.path) is an atlas of version \(version), this program reads up to \(AtlasSchema.version): update Prism"
                )
            }
            guard version == AtlasSchema.version else {
                throw PrismError.badData(
                    "\(url.path) is an atlas of version \(version), which is too old: run discover again")
            }
        } catch let error as DatabaseError {
            throw error.resultCode == .SQLITE_NOTADB
                ? PrismError.badData("\(url.path) is not an atlas: give the atlas.sqlite of a run")
                : PrismError.badData("cannot read \(url.path): \(error.message ?? "\(error)")")
        }
    }

    /// What the run was, as it was when the atlas was built.
    public func run() throws -> RunSummary {
        let json = try read { try String.fetchOne($0, sql: "SELECT value FROM info WHERE key = 'run'") }
        guard let json, let run = try? JSONDecoder().decode(RunSummary.self, from: Data(json.utf8)) else {
            throw PrismError.badData("\(url.path) does not say what run it belongs to: build it again")
        }
        return run
    }

    /// Tokens that were read and had latents.
    public func tokenCount() throws -> Int { try sources().reduce(0) { $0 + $1.tokens } }

    public func sources() throws -> [AtlasSource] {
        try read { db in
            try Row.fetchAll(db, sql: "SELECT name, tokens FROM sources ORDER BY id")
                .map { AtlasSource(name: $0["name"], tokens: $0["tokens"]) }
        }
    }

    /// Display texts of tokens; ids that the vocabulary lacks are left out.
    public func texts(of tokens: some Sequence<Int32>) throws -> [Int32: String] {
        try read { db in
            let select = try db.cachedStatement(sql: "SELECT text FROM tokens WHERE id = ?")
            var texts: [Int32: String] = [:]
            for token in Set(tokens) { texts[token] = try String.fetchOne(select, arguments: [token]) }
            return texts
        }
    }

    /// What tokens stand for; ids that the vocabulary lacks are left out.
    func bytes(of tokens: some Sequence<Int32>) throws -> [Int32: Data] {
        try read { db in
            let select = try db.cachedStatement(sql: "SELECT bytes FROM tokens WHERE id = ?")
            var bytes: [Int32: Data] = [:]
            for token in Set(tokens) { bytes[token] = try Data.fetchOne(select, arguments: [token]) }
            return bytes
        }
    }

    public enum Order: String, Sendable, CaseIterable {
        case id, density, max, mean
    }

    /// Latents in an order.
    /// - ascending: smallest first.
    /// - limit: how many at most; nil for all from `offset` on.
    public func latents(
        sortedBy order: Order = .id, ascending: Bool = true, limit: Int? = nil, offset: Int = 0
    ) throws -> [LatentSummary] {
        let direction = ascending ? "ASC" : "DESC"
        return try read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM latents ORDER BY \(order.rawValue) \(direction), id LIMIT ? OFFSET ?",
                arguments: [limit ?? -1, offset]
            ).map(LatentSummary.init)
        }
    }

    package func read<R>(_ body: (Database) throws -> R) throws -> R {
        do {
            return try queue.read(body)
        } catch let error as DatabaseError {
            throw PrismError.badData("cannot read \(url.path): \(error.message ?? "\(error)")")
        }
    }
}

extension LatentSummary {
    init(_ row: Row) {
        self.init(
            id: row["id"], firings: row["firings"], density: row["density"], max: row["max"], mean: row["mean"],
            histogram: (Blobs.values(row["histogram"], of: Int64.self) ?? []).map(Int.init), binWidth: row["bin_width"],
            decoderNorm: row["decoder_norm"], encoderBias: row["encoder_bias"])
    }
}
