import Foundation
import PrismActivations
import PrismModels
import PrismTestSupport
import Testing

@testable import PrismConcepts

@Suite struct ConceptLibraryTests {
    @Test func conceptsAreNamedAndExplained() {
        let concepts = ConceptLibrary.builtIn.concepts
        #expect((80...110).contains(concepts.count), "\(concepts.count)")
        #expect(Set(concepts.map(\.name)).count == concepts.count)
        for concept in concepts {
            #expect(concept.name.hasPrefix(concept.family + ": "))
            #expect(concept.definition.hasSuffix("."), "\(concept.name)")
        }
    }

    @Test func sourcesComeAfterTheLibrarys() throws {
        try withTemporaryFolder { folder in
            let tokenizer = try Labelled.tokenizer.get()
            for source in ["sea", "land"] {
                try FileManager.default.createDirectory(
                    at: folder.appending(path: source), withIntermediateDirectories: true)
                try Data("one two".utf8).write(to: folder.appending(path: "\(source)/0.txt"))
            }
            let corpus = try Corpus(paths: [folder])
            let contexts = (0..<2).map { Labelled.context(tokenizer.encode("one two"), document: $0, tokenizer) }
            let labeller = try ConceptLibrary.builtIn.labeller(for: contexts, in: corpus, tokenizer: tokenizer)
            let own = ConceptLibrary.builtIn.concepts
            #expect(Array(labeller.concepts.prefix(own.count)) == own)
            #expect(labeller.concepts.dropFirst(own.count).map(\.name) == ["source: land", "source: sea"])
            for index in 0..<2 {
                let scores = labeller.scores(contexts[index])
                #expect(scores.shape == [3, own.count + 2])
                #expect(
                    scores.rows(1..<3).values.indices.filter { scores.rows(1..<3).values[$0] > 0 }.contains(
                        own.count + index))
                #expect(
                    (1..<3).allSatisfy { scores[$0][own.count + index] == 1 && scores[$0][own.count + 1 - index] == 0 })
            }
        }
    }

    /// BOS and EOS belong to nothing, and a context of them alone to nothing at all.
    @Test func specialTokensAreOutside() throws {
        let tokenizer = try Labelled.tokenizer.get()
        try Labelled.withLabeller([Labelled.prose]) { labeller, contexts in
            let scores = labeller.scores(contexts[0])
            #expect(scores.rows(0..<1).values.allSatisfy { $0 == 0 })
            #expect(scores.values.allSatisfy { $0 >= 0 && $0 <= 20 })
            for ids in [[], [tokenizer.eosID!]] {
                let context = Labelled.context(ids, document: 0, tokenizer)
                #expect(labeller.scores(context).values.allSatisfy { $0 == 0 })
            }
        }
    }

    /// Contexts cut at any token, of any bytes, are labelled, whatever was learned from.
    @Test func anyContextIsLabelled() throws {
        let tokenizer = try Labelled.tokenizer.get()
        let text = LanguagesTests.sentences.map(\.1).joined() + "😀\u{0}\r\n\u{fffd}" + CodeLanguagesTests.snippets[0].1
        let ids = tokenizer.encode(text, allowSpecial: false)
        try Labelled.withLabeller(["x"]) { labeller, _ in
            for start in stride(from: 0, to: ids.count, by: 7) {
                let part = Array(ids[start..<min(start + 23, ids.count)])
                let scores = labeller.scores(Labelled.context(part, document: 0, tokenizer))
                #expect(scores.values.allSatisfy { $0 >= 0 && $0 <= 20 })
            }
        }
    }

    @Test func threadsShareALabeller() throws {
        try Labelled.withLabeller(LanguagesTests.sentences.map(\.1) + [Labelled.prose]) { labeller, contexts in
            let expected = contexts.map { labeller.scores($0).values }
            let found = Found(contexts.count)
            DispatchQueue.concurrentPerform(iterations: contexts.count) { index in
                found.set(index, labeller.scores(contexts[index]).values)
            }
            #expect(found.values == expected)
        }
    }

    /// Rows that threads write.
    private final class Found: @unchecked Sendable {
        private let lock = NSLock()
        private(set) var values: [[Float]]

        init(_ count: Int) { values = Array(repeating: [], count: count) }

        func set(_ index: Int, _ row: [Float]) { lock.withLock { values[index] = row } }
    }
}
