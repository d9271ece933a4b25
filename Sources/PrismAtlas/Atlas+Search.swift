import Foundation
import GRDB

extension Atlas {
    /// A latent that a search found.
    public struct Match: Hashable, Sendable {
        public let latent: Int
        /// Top examples whose strongest token matches.
        public let examples: Int
        /// Promoted tokens that match.
        public let promoted: Int
    }

    /// Latents that fire most on, or push up, tokens that contain a text; case and surrounding space do not matter.
    ///
    /// Best first: a matching example counts 1, a matching promoted token ½ (what a latent reads says more than what it
    /// writes); tokens equal to the text count double.
    public func search(_ text: String, limit: Int = 50) throws -> [Match] {
        let folded = Self.folded(text)
        guard !folded.isEmpty else { return [] }
        return try read { db in
            // instr and not LIKE: a query may hold % and _.
            let rows = try Row.fetchAll(
                db,
                sql: """
                    WITH matching AS (
                        SELECT id, CASE WHEN folded = :text THEN 2 ELSE 1 END AS weight
                        FROM tokens WHERE instr(folded, :text) > 0),
                    hits AS (
                        SELECT latent, 1 AS example, 0 AS promoted, weight FROM matching
                            JOIN examples ON token = matching.id AND kind = 0
                        UNION ALL
                        SELECT latent, 0, 1, weight * 0.5 FROM matching
                            JOIN logit_effects ON token = matching.id AND direction = 1)
                    SELECT latent, SUM(example) AS examples, SUM(promoted) AS promoted FROM hits
                    GROUP BY latent ORDER BY SUM(weight) DESC, latent LIMIT :limit
                    """, arguments: ["text": folded, "limit": limit])
            return rows.map { Match(latent: $0["latent"], examples: $0["examples"], promoted: $0["promoted"]) }
        }
    }

    /// Trimmed and in lower case.
    static func folded(_ text: String) -> String {
        text.trimmingCharacters(in: .whitespacesAndNewlines).lowercased()
    }
}
