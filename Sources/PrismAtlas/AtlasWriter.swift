import Foundation
import GRDB
import PrismCore

/// Fills an atlas's tables at the end of a build.
struct AtlasWriter {
    let db: Database

    func write(run: RunSummary, sourceTokens: [Int], vocabulary: [Data]) throws {
        let json = String(decoding: try JSONEncoder.prism.encode(run), as: UTF8.self)
        try db.execute(
            sql: "INSERT INTO info VALUES ('run', ?), ('tokens', ?)",
            arguments: [json, String(sourceTokens.reduce(0, +))])
        for (source, tokens) in sourceTokens.enumerated() {
            try db.execute(sql: "UPDATE sources SET tokens = ? WHERE id = ?", arguments: [tokens, source])
        }
        let insert = try db.makeStatement(sql: "INSERT INTO tokens VALUES (?, ?, ?, ?)")
        for (id, bytes) in vocabulary.enumerated() {
            let text = UTF8Piece.readable(bytes)
            try insert.execute(arguments: [id, bytes, text, Atlas.folded(text)])
        }
    }

    func write(_ recorder: inout LatentRecorder, tokens: Int, directions: LatentDirections) throws {
        let latents = try db.makeStatement(sql: "INSERT INTO latents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        let sources = try db.makeStatement(sql: "INSERT INTO latent_sources VALUES (?, ?, ?)")
        let examples = try db.makeStatement(sql: "INSERT INTO examples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        for latent in 0..<recorder.latentCount {
            let firings = recorder.firings[latent]
            let histogram = recorder.histogram(latent)
            try latents.execute(arguments: [
                latent, firings, Double(firings) / Double(max(tokens, 1)), recorder.maxima[latent],
                recorder.sums[latent] / Double(max(firings, 1)), Blobs.data(histogram.counts.map(Int64.init)),
                histogram.width, directions.decoderNorms[latent], directions.encoderBiases?[latent],
            ])
            for (source, counts) in recorder.firingsBySource.enumerated() where counts[latent] > 0 {
                try sources.execute(arguments: [latent, source, counts[latent]])
            }
            func insert(_ kept: [LatentRecorder.Example], kind: Int, interval: Int) throws {
                for (rank, example) in kept.enumerated() {
                    try examples.execute(arguments: [
                        latent, kind, interval, rank, example.context, example.position, example.token, example.value,
                        Blobs.data(example.trace),
                    ])
                }
            }
            try insert(recorder.top[latent], kind: 0, interval: -1)
            for (interval, kept) in recorder.intervals(latent).enumerated() {
                try insert(kept, kind: 1, interval: interval)
            }
        }
    }

    func write(_ directions: LatentDirections) throws {
        let effects = try db.makeStatement(sql: "INSERT INTO logit_effects VALUES (?, ?, ?, ?, ?)")
        for (latent, effect) in directions.logitEffects.enumerated() {
            for (direction, list) in [(1, effect.promoted), (-1, effect.suppressed)] {
                for (rank, entry) in list.enumerated() {
                    try effects.execute(arguments: [latent, direction, rank, entry.token, entry.value])
                }
            }
        }
        let neighbours = try db.makeStatement(sql: "INSERT INTO neighbours VALUES (?, ?, ?, ?)")
        for (latent, list) in directions.neighbours.enumerated() {
            for (rank, entry) in list.enumerated() {
                try neighbours.execute(arguments: [latent, rank, entry.latent, entry.cosine])
            }
        }
    }

    func dropUnused() throws {
        try db.execute(sql: "DELETE FROM contexts WHERE id NOT IN (SELECT context FROM examples)")
        try db.execute(sql: "DELETE FROM documents WHERE id NOT IN (SELECT document FROM contexts)")
    }
}
