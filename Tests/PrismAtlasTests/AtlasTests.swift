import Foundation
import GRDB
import PrismAtlas
import PrismCore
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct AtlasTests {
    static let run = RunSummary(
        title: "A run", model: "a model", hook: "blocks.0.hook_resid_post",
        dictionary: .init(architecture: "TopK", latents: 60, width: 8, k: 5),
        data: .init(sources: ["even", "odd"], trainingTokens: 10, heldOutTokens: 5, split: "by document"),
        metrics: ["fvu": .init(value: 0.25, low: 0.2, high: 0.3)],
        curves: ["loss": [.init(step: 0, value: 3), .init(step: 10, value: 1)]])

    /// An atlas of 61 latents, of which the last never fires; sources "even" and "odd" by document.
    static func build(
        _ folder: URL, _ data: SyntheticActivations, vocabulary: [Data] = (0..<50).map { Data(" Tok\($0)".utf8) },
        source: (_ document: Int) -> String = { $0 % 2 == 0 ? "even" : "odd" }
    ) throws -> Atlas {
        let builder = try AtlasBuilder(
            folder.appending(path: "atlas.sqlite"), latentCount: 61, exampleCount: 4, intervalExamples: 2, seed: 1)
        for document in 0..<20 {
            try builder.add(document: document, title: "document \(document)", source: source(document))
        }
        for context in data.contexts {
            try builder.add(
                tokens: context.tokens, document: context.document, positions: context.positions,
                codes: SyntheticActivations.codes(context.rows))
        }
        let directions = LatentDirections(
            decoder: LatentDirectionsTests.random(61, 8), encoderBiases: nil,
            unembedding: LatentDirectionsTests.random(50, 8, seed: 9), finalNormWeight: nil, neighbourCount: 3,
            effectCount: 4)
        return try builder.finish(run: run, directions: directions, vocabulary: vocabulary)
    }

    static let data = SyntheticActivations(latents: 60, contexts: 90, length: 24, active: 5)

    @Test func roundTrip() throws {
        try withTemporaryFolder { folder in
            let atlas = try Self.build(folder, Self.data)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["atlas.sqlite"])
            #expect(try atlas.run() == Self.run)
            let firings = LatentRecorderTests.firings(Self.data)
            let tokens = Self.data.contexts.reduce(0) { $0 + $1.positions.count }
            #expect(try atlas.tokenCount() == tokens)
            for id in [0, 3, 59] {
                let page = try atlas.latent(id)
                #expect(page.latent.firings == firings[id].count)
                #expect(page.latent.density == Double(firings[id].count) / Double(tokens))
                #expect(page.latent.histogram.reduce(0, +) == firings[id].count)
                #expect(page.top.map(\.value) == page.top.map(\.value).sorted(by: >))
                #expect(page.top.first?.value == page.latent.max)
                for example in page.top + page.intervals.flatMap(\.examples) {
                    let context = Self.data.contexts[example.context]
                    #expect(example.tokens == context.tokens)
                    #expect(example.token == context.tokens[example.position])
                    #expect(example.source == (context.document % 2 == 0 ? "even" : "odd"))
                    #expect(example.documentTitle == "document \(context.document)")
                    #expect(
                        example.trace.contains { Int($0.position) == example.position && $0.value == example.value })
                }
                #expect(abs(page.intervals.reduce(0) { $0 + $1.share } - 1) < 1e-9)
                for interval in page.intervals {
                    #expect(
                        interval.examples.allSatisfy { (interval.lower..<interval.upper).contains(Double($0.value)) })
                }
                #expect(abs(page.sources.reduce(0) { $0 + $1.share } - 1) < 1e-9)
                let even = firings[id].filter { Self.data.contexts[$0.context].document % 2 == 0 }.count
                #expect(page.sources.first { $0.source == "even" }?.firings == even)
                #expect(
                    page.neighbours.count == 3 && page.effects.promoted.count == 4 && page.effects.suppressed.count == 4
                )
            }
            let silent = try atlas.latent(60)
            #expect(
                silent.latent.firings == 0 && silent.top.isEmpty && silent.intervals.isEmpty && silent.sources.isEmpty)
            #expect(throws: PrismError.usage("there is no latent 61; the dictionary has 61, numbered from 0")) {
                try atlas.latent(61)
            }
        }
    }

    @Test func listsAndSearches() throws {
        try withTemporaryFolder { folder in
            let atlas = try Self.build(folder, Self.data)
            let dense = try atlas.latents(sortedBy: .density, ascending: false, limit: 10)
            #expect(dense.count == 10 && dense.map(\.density) == dense.map(\.density).sorted(by: >))
            #expect(try atlas.latents().map(\.id) == Array(0..<61))

            let matches = try atlas.search("  tOK17 ", limit: 100)
            #expect(!matches.isEmpty)
            for match in matches {
                let page = try atlas.latent(match.latent)
                #expect(match.examples == page.top.filter { $0.token == 17 }.count)
                #expect(match.promoted == page.effects.promoted.filter { $0.token == 17 }.count)
            }
            let expected = try (0..<61).filter { id in
                let page = try atlas.latent(id)
                return page.top.contains { $0.token == 17 } || page.effects.promoted.contains { $0.token == 17 }
            }
            #expect(Set(matches.map(\.latent)) == Set(expected))
            #expect(try atlas.search("100%").isEmpty)
            #expect(try atlas.search(" ").isEmpty)
        }
    }

    @Test func dropsWhatNoExampleShows() throws {
        try withTemporaryFolder { folder in
            let atlas = try Self.build(folder, Self.data)
            let dangling = try atlas.queue.read { db in
                try (
                    Int.fetchOne(
                        db, sql: "SELECT COUNT(*) FROM contexts WHERE id NOT IN (SELECT context FROM examples)"),
                    Int.fetchOne(
                        db, sql: "SELECT COUNT(*) FROM examples WHERE context NOT IN (SELECT id FROM contexts)"),
                    Int.fetchOne(db, sql: "SELECT COUNT(*) FROM documents")
                )
            }
            #expect(dangling == (0, 0, 5))
        }
    }

    @Test func sameInputSameBytes() throws {
        try withTemporaryFolder { first in
            try withTemporaryFolder { second in
                let (a, b) = try (Self.build(first, Self.data), Self.build(second, Self.data))
                #expect(try Data(contentsOf: a.url) == Data(contentsOf: b.url))
            }
        }
    }

    @Test func explainsWrongFiles() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "x.sqlite")
            func message() -> String {
                do { _ = try Atlas(url) } catch { return (error as? PrismError)?.message ?? "another error: \(error)" }
                return "no error"
            }
            #expect(message().hasPrefix("there is no file"))
            try Data("this is no database, whatever its name says, and long enough".utf8).write(to: url)
            #expect(message().hasSuffix("is not an atlas: give the atlas.sqlite of a run"))
            try FileManager.default.removeItem(at: url)
            try DatabaseQueue(path: url.path).write { try $0.execute(sql: "CREATE TABLE t (x)") }
            #expect(message().contains("is a database, but not an atlas"))
            try DatabaseQueue(path: url.path).write {
                try $0.execute(sql: "PRAGMA application_id = \(AtlasSchema.applicationID); PRAGMA user_version = 99")
            }
            #expect(message().contains("of version 99"))
            try DatabaseQueue(path: url.path).write { try $0.execute(sql: "PRAGMA user_version = 1") }
            #expect(message().contains("of version 1, which is too old"))
        }
    }

    @Test func explainsWrongUse() throws {
        try withTemporaryFolder { folder in
            let builder = try AtlasBuilder(folder.appending(path: "atlas.sqlite"), latentCount: 1, seed: 0)
            try builder.add(document: 4, source: "here")
            #expect(throws: PrismError.usage("document 4 was added before")) {
                try builder.add(document: 4, source: "here")
            }
            #expect(throws: PrismError.usage("document 5 is not known: add it before its contexts")) {
                try builder.add(tokens: [1], document: 5, positions: [0], codes: SparseCodes(rowCount: 1, slots: 1))
            }
            #expect(throws: PrismError.self) {
                try AtlasBuilder(folder.appending(path: "no/such/folder/atlas.sqlite"), latentCount: 1, seed: 0)
            }
        }
    }

    @Test func anAbandonedBuildLeavesNothing() throws {
        try withTemporaryFolder { folder in
            do { _ = try AtlasBuilder(folder.appending(path: "atlas.sqlite"), latentCount: 1, seed: 0) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
        }
    }
}
