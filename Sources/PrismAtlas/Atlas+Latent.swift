import Foundation
import GRDB
import PrismCore

extension Atlas {
    /// All that is known of a latent.
    /// - Throws: `PrismError.usage` if there is no such latent.
    public func latent(_ id: Int) throws -> LatentPage {
        let (summary, sources, effects, nearest, examples) = try read { db in
            guard let row = try Row.fetchOne(db, sql: "SELECT * FROM latents WHERE id = ?", arguments: [id]) else {
                let count = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM latents")!
                throw PrismError.usage("there is no latent \(id); the dictionary has \(count), numbered from 0")
            }
            return try (
                LatentSummary(row), self.sourceShares(db, id), self.logitEffects(db, id), self.neighbours(db, id),
                self.examples(db, id)
            )
        }
        let intervals = LatentInterval.ranges(of: summary).map { range in
            LatentInterval(
                lower: range.lower, upper: range.upper, share: range.share,
                examples: examples.filter { $0.interval == range.index }.map(\.example))
        }
        return LatentPage(
            latent: summary, top: examples.filter { $0.interval < 0 }.map(\.example), intervals: intervals,
            effects: effects, neighbours: nearest, sources: sources)
    }

    private func sourceShares(_ db: Database, _ id: Int) throws -> [SourceShare] {
        let total = try Int.fetchOne(db, sql: "SELECT SUM(tokens) FROM sources") ?? 0
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT name, tokens, latent_sources.firings, latents.firings AS all_firings
                FROM latent_sources JOIN sources ON sources.id = source JOIN latents ON latents.id = latent
                WHERE latent = ? ORDER BY latent_sources.firings DESC, sources.id
                """, arguments: [id])
        return rows.map { row in
            let share = Double(row["firings"] as Int) / Double(row["all_firings"] as Int)
            let expected = Double(row["tokens"] as Int) / Double(total)
            return SourceShare(source: row["name"], firings: row["firings"], share: share, lift: share / expected)
        }
    }

    private func logitEffects(_ db: Database, _ id: Int) throws -> LogitEffects {
        func list(_ direction: Int) throws -> [LogitEffect] {
            try Row.fetchAll(
                db, sql: "SELECT token, value FROM logit_effects WHERE latent = ? AND direction = ? ORDER BY rank",
                arguments: [id, direction]
            ).map { LogitEffect(token: $0["token"], value: $0["value"]) }
        }
        return try LogitEffects(promoted: list(1), suppressed: list(-1))
    }

    private func neighbours(_ db: Database, _ id: Int) throws -> [Neighbour] {
        try Row.fetchAll(
            db, sql: "SELECT other, cosine FROM neighbours WHERE latent = ? ORDER BY rank", arguments: [id]
        )
        .map { Neighbour(latent: $0["other"], cosine: $0["cosine"]) }
    }

    private func examples(_ db: Database, _ id: Int) throws -> [(interval: Int, example: LatentExample)] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT examples.*, contexts.tokens, title, name
                FROM examples JOIN contexts ON contexts.id = context JOIN documents ON documents.id = document
                    JOIN sources ON sources.id = source
                WHERE latent = ? ORDER BY kind, interval, rank
                """, arguments: [id])
        return try rows.map { row in
            guard let trace = Blobs.values(row["trace"], of: TokenActivation.self),
                let tokens = Blobs.values(row["tokens"], of: Int32.self)
            else { throw PrismError.badData("\(url.path) is damaged: an example of latent \(id) cannot be read") }
            let example = LatentExample(
                context: row["context"], position: row["position"], token: row["token"], value: row["value"],
                trace: trace,
                tokens: tokens, documentTitle: row["title"], source: row["name"])
            return (row["interval"], example)
        }
    }
}

extension LatentInterval {
    /// The intervals of a latent's activations up to the one its maximum lies in: pairs of the histogram's bins.
    static func ranges(of latent: LatentSummary) -> [(index: Int, lower: Double, upper: Double, share: Double)] {
        guard latent.firings > 0 else { return [] }
        let width = 2 * latent.binWidth
        return (0...Int(Double(latent.max) / width)).map { index in
            let count = latent.histogram[2 * index] + latent.histogram[2 * index + 1]
            return (index, Double(index) * width, Double(index + 1) * width, Double(count) / Double(latent.firings))
        }
    }
}
