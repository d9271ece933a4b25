import Foundation
import GRDB
import PrismCore
import PrismTensor

/// Builds an atlas in one pass over contexts and their latents.
///
/// Memory depends on the number of latents, sources and examples, not on the number of tokens: contexts that a latent
/// keeps go to the file at once, and those that no example refers to in the end are dropped. The file has a temporary name
/// until `finish` moves it into place; a builder that is thrown away leaves nothing.
///
/// ```swift
/// let builder = try AtlasBuilder(url, latentCount: 4608, seed: 0)
/// try builder.add(document: 0, title: "Chapter 1", source: "books")
/// try builder.add(tokens: context, document: 0, positions: Array(1..<128), codes: codes)
/// let atlas = try builder.finish(run: summary, directions: directions, vocabulary: texts)
/// ```
public final class AtlasBuilder {
    private let url: URL
    private let temporary: URL
    private let queue: DatabaseQueue
    private var recorder: LatentRecorder
    private var sourceIDs: [String: Int] = [:]
    private var sourceTokens: [Int] = []
    /// The document of the last context and its source: contexts of a document mostly come one after the other.
    private var lastDocument: (id: Int, source: Int)?
    private var contextCount = 0
    private var pending: [(id: Int, document: Int, tokens: Data)] = []
    private var isFinished = false

    /// - latentCount: of the dictionary.
    /// - exampleCount: strongest examples kept per latent.
    /// - intervalExamples: examples kept per latent and interval of activation strength, of which there are up to 8.
    /// - seed: of the draw of the interval examples; equal seeds and equal input give equal atlases.
    public init(
        _ url: URL, latentCount: Int, exampleCount: Int = 20, intervalExamples: Int = 3, seed: UInt64
    ) throws {
        self.url = url
        temporary = url.deletingLastPathComponent().appending(path: ".\(url.lastPathComponent).partial")
        recorder = LatentRecorder(
            latentCount: latentCount, exampleCount: exampleCount, intervalExamples: intervalExamples, seed: seed)
        try? FileManager.default.removeItem(at: temporary)
        let temporary = temporary
        queue = try Self.explained(url) {
            var configuration = Configuration()
            configuration.prepareDatabase { db in
                // A build that dies is started again, so nothing is journalled; `finish` syncs the file.
                try db.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
            }
            let queue = try DatabaseQueue(path: temporary.path, configuration: configuration)
            try queue.write { try $0.execute(sql: AtlasSchema.tables) }
            return queue
        }
    }

    deinit {
        if !isFinished {
            try? queue.close()
            try? FileManager.default.removeItem(at: temporary)
        }
    }

    /// Makes a document known, before its first context.
    /// - source: label of where it comes from, for example "python" or "web".
    /// - Throws: `PrismError.usage` if the id is taken.
    public func add(document id: Int, title: String = "", source: String) throws {
        let known = sourceIDs[source]
        let sourceID = known ?? sourceIDs.count
        if known == nil {
            sourceIDs[source] = sourceID
            sourceTokens.append(0)
        }
        try Self.explained(url) {
            try queue.write { db in
                guard
                    try !Bool.fetchOne(
                        db, sql: "SELECT EXISTS (SELECT 1 FROM documents WHERE id = ?)", arguments: [id])!
                else { throw PrismError.usage("document \(id) was added before") }
                if known == nil {
                    try db.execute(sql: "INSERT INTO sources (id, name) VALUES (?, ?)", arguments: [sourceID, source])
                }
                try db.cachedStatement(sql: "INSERT INTO documents VALUES (?, ?, ?)")
                    .execute(arguments: [id, sourceID, title])
            }
        }
    }

    /// Adds a context.
    /// - tokens: of the whole context.
    /// - document: that it is part of.
    /// - positions: in the context, ascending, of the rows of `codes`; positions left out, such as that of BOS, have no row.
    /// - codes: row r for positions[r]. What is not above zero is no firing.
    /// - Throws: `PrismError.badData` for an activation that is not a number, `.usage` for an unknown document,
    ///   `.runFailed` if the file cannot be written.
    public func add(tokens: [Int32], document: Int, positions: [Int], codes: SparseCodes) throws {
        precondition(positions.count <= codes.rowCount, "\(positions.count) positions, \(codes.rowCount) rows of codes")
        precondition(positions.allSatisfy(tokens.indices.contains), "a position outside the context")
        let source = try source(of: document)
        sourceTokens[source] += positions.count
        let context = contextCount
        contextCount += 1
        if try recorder.add(context: context, tokens: tokens, source: source, positions: positions, codes: codes) {
            pending.append((context, document, Blobs.data(tokens)))
            if pending.count == 256 { try flush() }
        }
    }

    /// Writes everything, drops what no example refers to, and moves the file into place.
    /// - directions: what follows from the weights alone.
    /// - vocabulary: display text by token id.
    public func finish(run: RunSummary, directions: LatentDirections, vocabulary: [String]) throws -> Atlas {
        precondition(!isFinished, "an atlas is finished once")
        try flush()
        try Self.explained(url) {
            try queue.write { db in
                let writer = AtlasWriter(db: db)
                try writer.write(run: run, sourceTokens: sourceTokens, vocabulary: vocabulary)
                try writer.write(&recorder, tokens: sourceTokens.reduce(0, +), directions: directions)
                try writer.write(directions)
                try writer.dropUnused()
                try db.execute(sql: AtlasSchema.indices)
                try db.execute(sql: "PRAGMA application_id = \(AtlasSchema.applicationID)")
                try db.execute(sql: "PRAGMA user_version = \(AtlasSchema.version)")
            }
            try queue.vacuum()
            try queue.close()
            let handle = try FileHandle(forUpdating: temporary)
            try handle.synchronize()
            try handle.close()
            guard rename(temporary.path, url.path) == 0 else {
                throw PrismError.runFailed(String(cString: strerror(errno)))
            }
        }
        isFinished = true
        return try Atlas(url)
    }

    private func source(of document: Int) throws -> Int {
        if let lastDocument, lastDocument.id == document { return lastDocument.source }
        let source = try Self.explained(url) {
            try queue.read {
                try Int.fetchOne($0, sql: "SELECT source FROM documents WHERE id = ?", arguments: [document])
            }
        }
        guard let source else {
            throw PrismError.usage("document \(document) is not known: add it before its contexts")
        }
        lastDocument = (document, source)
        return source
    }

    private func flush() throws {
        try Self.explained(url) {
            try queue.write { db in
                let insert = try db.cachedStatement(sql: "INSERT INTO contexts VALUES (?, ?, ?)")
                for context in pending {
                    try insert.execute(arguments: [context.id, context.document, context.tokens])
                }
            }
        }
        pending.removeAll(keepingCapacity: true)
    }

    private static func explained<R>(_ url: URL, _ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch let error as PrismError {
            throw error
        } catch {
            let reason = (error as? DatabaseError)?.message ?? Files.reason(error)
            throw PrismError.runFailed("cannot write \(url.path): \(reason); free space or choose another place")
        }
    }
}
