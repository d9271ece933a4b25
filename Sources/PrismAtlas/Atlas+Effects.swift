import Foundation
import GRDB
import PrismCore

extension Atlas {
    /// Measured effects by latent; none where they were not measured.
    public func effects() throws -> [Int: LatentEffect] {
        try read { db in
            guard try db.tableExists("effects") else { return [:] }
            var found: [Int: LatentEffect] = [:]
            for row in try Row.fetchAll(db, sql: "SELECT latent, effect FROM effects") {
                guard
                    let effect = try? JSONDecoder().decode(
                        LatentEffect.self, from: Data((row["effect"] as String).utf8))
                else { throw PrismError.badData("\(url.path) holds effects of another version: measure them again") }
                found[row["latent"]] = effect
            }
            return found
        }
    }

    /// Puts effects into an atlas that is finished, in the place of those that it has of the same latents.
    /// - Throws: `PrismError` if it cannot be written.
    public static func add(_ effects: [LatentEffect], to url: URL) throws {
        _ = try Atlas(url)
        do {
            try DatabaseQueue(path: url.path).write { db in
                try db.execute(
                    sql: """
                        -- What latents do to predictions: a LatentEffect as JSON.
                        CREATE TABLE IF NOT EXISTS effects (latent INTEGER PRIMARY KEY, effect TEXT NOT NULL)
                        """)
                for effect in effects {
                    let json = String(decoding: try JSONEncoder.prism.encode(effect), as: UTF8.self)
                    try db.execute(
                        sql: "INSERT OR REPLACE INTO effects VALUES (?, ?)", arguments: [effect.latent, json])
                }
            }
        } catch let error as DatabaseError {
            throw PrismError.runFailed("cannot write \(url.path): \(error.message ?? "\(error)")")
        }
    }
}
