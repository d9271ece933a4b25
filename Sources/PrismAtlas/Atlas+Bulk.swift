import Foundation
import GRDB
import PrismCore

/// Reads whole tables in order, for exports and reports.
extension Atlas {
    /// Cosine of each latent with its nearest, where there is one.
    package func largestCosines() throws -> [Float] {
        try read { try Float.fetchAll($0, sql: "SELECT cosine FROM neighbours WHERE rank = 0 ORDER BY latent") }
    }

    /// An example without its context's text.
    struct ExampleRow {
        let latent: Int
        /// -1 for a top example.
        let interval: Int
        let context: Int
        let position: Int
        let token: Int32
        let trace: [TokenActivation]
    }

    /// Examples by latent, top ones first, then by interval; those with a rank below the limits.
    func forEachExample(top: Int, perInterval: Int, _ body: (ExampleRow) -> Void) throws {
        try read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT latent, interval, context, position, token, trace FROM examples
                    WHERE rank < CASE kind WHEN 0 THEN ? ELSE ? END ORDER BY latent, kind, interval, rank
                    """, arguments: [top, perInterval])
            while let row = try rows.next() {
                guard let trace = Blobs.values(row[5], of: TokenActivation.self) else { throw damaged("an example") }
                body(
                    ExampleRow(
                        latent: row[0], interval: row[1], context: row[2], position: row[3], token: row[4], trace: trace
                    ))
            }
        }
    }

    /// Contexts by id: `(id, document, tokens)`.
    func forEachContext(_ body: (Int, Int, [Int32]) -> Void) throws {
        try read { db in
            let rows = try Row.fetchCursor(db, sql: "SELECT id, document, tokens FROM contexts ORDER BY id")
            while let row = try rows.next() {
                guard let tokens = Blobs.values(row[2], of: Int32.self) else { throw damaged("a context") }
                body(row[0], row[1], tokens)
            }
        }
    }

    /// Documents by id: (id, number of the source, title).
    func documents() throws -> [(id: Int, source: Int, title: String)] {
        try read { db in
            try Row.fetchAll(db, sql: "SELECT id, source, title FROM documents ORDER BY id")
                .map { ($0["id"], $0["source"], $0["title"]) }
        }
    }

    /// Firings by latent and source, [latents][sources].
    func sourceFirings(latents: Int, sources: Int) throws -> [[Int]] {
        var result = [[Int]](repeating: [Int](repeating: 0, count: sources), count: latents)
        try read { db in
            let rows = try Row.fetchCursor(db, sql: "SELECT latent, source, firings FROM latent_sources")
            while let row = try rows.next() { result[row[0]][row[1]] = row[2] }
        }
        return result
    }

    func allLogitEffects(latents: Int) throws -> [LogitEffects] {
        var result = [LogitEffects](repeating: LogitEffects(), count: latents)
        try read { db in
            let rows = try Row.fetchCursor(
                db, sql: "SELECT latent, direction, token, value FROM logit_effects ORDER BY latent, direction, rank")
            while let row = try rows.next() {
                let effect = LogitEffect(token: row[2], value: row[3])
                if row[1] == 1 {
                    result[row[0]].promoted.append(effect)
                } else {
                    result[row[0]].suppressed.append(effect)
                }
            }
        }
        return result
    }

    func allNeighbours(latents: Int) throws -> [[Neighbour]] {
        var result = [[Neighbour]](repeating: [], count: latents)
        try read { db in
            let rows = try Row.fetchCursor(
                db, sql: "SELECT latent, other, cosine FROM neighbours ORDER BY latent, rank")
            while let row = try rows.next() { result[row[0]].append(Neighbour(latent: row[1], cosine: row[2])) }
        }
        return result
    }

    private func damaged(_ what: String) -> PrismError {
        PrismError.badData("\(url.path) is damaged: \(what) cannot be read; build it again")
    }
}
