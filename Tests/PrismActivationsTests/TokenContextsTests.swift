import Foundation
import PrismActivations
import PrismCore
import PrismModels
import PrismTestSupport
import Testing

@Suite struct TokenContextsTests {
    /// A tokenizer of bytes and a few merges whose BOS and EOS are `<s>` and `</s>`.
    func tokenizer() throws -> Tokenizer {
        try withTemporaryFolder { folder in
            let source = golden("PrismModelsTests", "tiny-plain.json")
            try FileManager.default.copyItem(at: source, to: folder.appending(path: "tokenizer.json"))
            let config = #"{"bos_token": "<s>", "eos_token": "</s>"}"#
            try Data(config.utf8).write(to: folder.appending(path: "tokenizer_config.json"))
            return try Tokenizer(json: folder.appending(path: "tokenizer.json"))
        }
    }

    /// Documents of text, named by their numbers, in a folder that lives as long as `body`.
    func withCorpus<R>(_ texts: [String], from first: Int = 0, _ body: (Corpus) throws -> R) throws -> R {
        try withTemporaryFolder { folder in
            for (number, text) in texts.enumerated() {
                try Data(text.utf8).write(to: folder.appending(path: String(format: "%05d.txt", first + number)))
            }
            return try body(Corpus(paths: [folder]))
        }
    }

    /// Text in which no two stretches are equal.
    func text(_ words: Int, seed: Int = 0) -> String {
        var generator = SeededGenerator(seed: UInt64(seed), stream: "text")
        return (0..<words).map { _ in String(Int.random(in: 0..<1_000_000, using: &generator), radix: 36) }
            .joined(separator: " ")
    }

    /// Offsets are those of the text, whatever the tokenizer puts before it.
    @Test func offsetsAreOfTheText() throws {
        let tokenizer = try Tokenizer(sentencePiece: golden("PrismModelsTests", "spm-llama.model"))
        let text = text(60)
        try withCorpus([text]) { corpus in
            let found = try TokenContexts(
                corpus, tokenizer: tokenizer, configuration(), trainingTokens: 10_000, heldOutTokens: 0)
            let contexts = found.training.sorted { $0.offset < $1.offset }
            #expect(contexts.count > 3 && contexts[0].offset == -1)
            for context in contexts.dropFirst() {
                let own = tokenizer.bytes(of: context.tokens[1]) + tokenizer.bytes(of: context.tokens[2])
                #expect(Data(text.utf8).dropFirst(context.offset).starts(with: own))
            }
        }
    }

    func configuration(length: Int = 16, bos: Bool = true, heldOut: Double = 0, seed: UInt64 = 0)
        -> ContextConfiguration
    {
        var result = ContextConfiguration()
        (result.length, result.prependBOS, result.heldOutShare, result.seed) = (length, bos, heldOut, seed)
        return result
    }

    @Test(arguments: [true, false]) func contextsTileTheDocument(_ bos: Bool) throws {
        let tokenizer = try tokenizer()
        let text = text(300)
        let tokens = tokenizer.encode(text)
        let contexts = try withCorpus([text]) {
            try TokenContexts(
                $0, tokenizer: tokenizer, configuration(bos: bos), trainingTokens: 1 << 20, heldOutTokens: 0)
        }
        #expect(contexts.heldOut.isEmpty)
        let payload = bos ? 15 : 16
        var wanted = Set(
            stride(from: 0, to: tokens.count, by: payload).map { Array(tokens[$0..<min($0 + payload, tokens.count)]) })
        for context in contexts.training {
            if bos { #expect(context.tokens[0] == tokenizer.bosID) }
            #expect(context.tokens.count <= 16)
            #expect(context.positions == (1..<Int32(context.tokens.count)).map { $0 })
            #expect(wanted.remove(Array(context.tokens.dropFirst(bos ? 1 : 0))) != nil)
        }
        // Only a last stretch of fewer than 8 used positions may be missing.
        #expect(wanted.count <= 1 && wanted.allSatisfy { $0.count < 9 })
    }

    /// From a context's offset on the document holds the bytes of its tokens, characters cut or not.
    @Test(arguments: [true, false]) func offsetsAreBytesOfTheDocument(_ bos: Bool) throws {
        let tokenizer = try tokenizer()
        let texts = (0..<4).map { text(90, seed: $0).replacingOccurrences(of: "a", with: $0 % 2 == 0 ? "é" : "語") }
        let contexts = try withCorpus(texts) {
            try TokenContexts(
                $0, tokenizer: tokenizer, configuration(bos: bos), trainingTokens: 1 << 20, heldOutTokens: 0)
        }
        #expect(contexts.training.contains { $0.offset > 0 })
        for context in contexts.training {
            let bytes = context.tokens.dropFirst(bos ? 1 : 0).flatMap { tokenizer.bytes(of: $0) }
            let document = Array(texts[context.document].utf8)
            #expect(Array(document[context.offset...].prefix(bytes.count)) == bytes)
        }
    }

    /// Untrusted text cannot write special tokens; where they come in none the less they are not used.
    @Test func specialTokensInTheTextStayText() throws {
        let tokenizer = try tokenizer()
        let special = [tokenizer.bosID!, tokenizer.eosID!]
        let text = String(repeating: "word </s> and <s> more ", count: 20)
        let contexts = try withCorpus([text]) {
            try TokenContexts($0, tokenizer: tokenizer, configuration(), trainingTokens: 1 << 20, heldOutTokens: 0)
        }
        for context in contexts.training {
            #expect(!context.tokens.dropFirst().contains(where: special.contains))
            #expect(context.positions.first == 1)
            #expect(context.positions.allSatisfy { !special.contains(context.tokens[Int($0)]) })
        }
    }

    @Test func splitIsByDocumentAndDisjoint() throws {
        let tokenizer = try tokenizer()
        let texts = (0..<300).map { text(60, seed: $0) }
        try withCorpus(texts) { corpus in
            let contexts = try TokenContexts(
                corpus, tokenizer: tokenizer, configuration(heldOut: 0.25), trainingTokens: 1 << 20,
                heldOutTokens: 1 << 20)
            let training = Set(contexts.training.map(\.document))
            let heldOut = Set(contexts.heldOut.map(\.document))
            #expect(training.isDisjoint(with: heldOut) && training.union(heldOut).count == 300)
            // Binomial with 300 draws of ¼: a standard deviation of 7.5 documents.
            #expect(abs(heldOut.count - 75) < 30)
            // Each context lies in the document that it names.
            for context in contexts.training.prefix(50) {
                let text = tokenizer.decode(Array(context.tokens.dropFirst()))
                #expect(texts[context.document].contains(text))
            }
            // Neither the budgets nor the length of contexts move a document to the other side; another seed does.
            let other = try TokenContexts(
                corpus, tokenizer: tokenizer, configuration(length: 40, heldOut: 0.25), trainingTokens: 100,
                heldOutTokens: 1 << 20)
            #expect(Set(other.heldOut.map(\.document)) == heldOut)
            let reseeded = try TokenContexts(
                corpus, tokenizer: tokenizer, configuration(heldOut: 0.25, seed: 1), trainingTokens: 1 << 20,
                heldOutTokens: 1 << 20)
            #expect(Set(reseeded.heldOut.map(\.document)) != heldOut)
        }
    }

    @Test func aDocumentKeepsItsSideWhenOthersCome() throws {
        let tokenizer = try tokenizer()
        func heldOut(_ numbers: Range<Int>) throws -> Set<Int> {
            try withCorpus(numbers.map { text(40, seed: $0) }, from: numbers.lowerBound) {
                Set(
                    try TokenContexts(
                        $0, tokenizer: tokenizer, configuration(heldOut: 0.3), trainingTokens: 1 << 20,
                        heldOutTokens: 1 << 20
                    ).heldOut.map { numbers.lowerBound + $0.document })
            }
        }
        #expect(try heldOut(0..<100).filter { (30..<60).contains($0) } == heldOut(30..<60))
    }

    /// Over many seeds each context is drawn equally often, wherever it stands, and equally often first: χ² with 99
    /// degrees of freedom has mean 99 and standard deviation 14.
    @Test func drawIsEven() throws {
        let tokenizer = try tokenizer()
        try withCorpus((0..<10).map { text(70, seed: $0) }) { corpus in
            let all = try TokenContexts(
                corpus, tokenizer: tokenizer, configuration(), trainingTokens: 1 << 20, heldOutTokens: 0)
            let count = all.training.count
            var drawn: [[Int32]: Int] = [:]
            var first: [[Int32]: Int] = [:]
            let (seeds, budget) = (600, 20)
            for seed in 0..<seeds {
                let some = try TokenContexts(
                    corpus, tokenizer: tokenizer, configuration(seed: UInt64(seed + 1)), trainingTokens: budget * 15,
                    heldOutTokens: 0
                ).training
                #expect(some.count == budget && Set(some.map(\.tokens)).count == budget)
                for context in some { drawn[context.tokens, default: 0] += 1 }
                first[some[0].tokens, default: 0] += 1
            }
            func chiSquare(_ found: [[Int32]: Int], of total: Int, variance: Double) -> Double {
                let expected = Double(total) / Double(count)
                return all.training.reduce(0) { $0 + pow(Double(found[$1.tokens] ?? 0) - expected, 2) }
                    / (expected * variance)
            }
            // Drawing without replacement has a smaller variance than independent draws, by 1 − budget / count.
            let freedom = Double(count - 1)
            let tolerance = 4 * (2 * freedom).squareRoot()
            let draws = chiSquare(drawn, of: seeds * budget, variance: 1 - Double(budget) / Double(count))
            #expect(abs(draws - freedom) < tolerance, "χ² \(draws) of \(freedom)")
            let firsts = chiSquare(first, of: seeds, variance: 1)
            #expect(abs(firsts - freedom) < tolerance, "χ² \(firsts) of \(freedom)")
        }
    }

    /// What is kept is bounded by the budget, the same at each call, and in no order of documents.
    @Test func budgetBoundsWhatIsKept() throws {
        let tokenizer = try tokenizer()
        try withCorpus((0..<50).map { text(200, seed: $0) }) { corpus in
            func draw() throws -> TokenContexts {
                try TokenContexts(
                    corpus, tokenizer: tokenizer, configuration(heldOut: 0.3), trainingTokens: 1000, heldOutTokens: 200)
            }
            let contexts = try draw()
            #expect(contexts.training.count == (1000 + 14) / 15 && contexts.heldOut.count == (200 + 14) / 15)
            #expect(try draw().training.map(\.tokens) == contexts.training.map(\.tokens))
            let documents = contexts.training.map(\.document)
            let rises = zip(documents, documents.dropFirst()).filter { $0 <= $1 }.count
            #expect((20...47).contains(rises), "\(rises) of \(documents.count - 1) neighbours in the corpus's order")
        }
    }

    @Test func refusesTextThatGivesNothing() throws {
        let tokenizer = try tokenizer()
        for texts in [[""], ["short"], ["", "\n"]] {
            let error = #expect(throws: PrismError.self) {
                try withCorpus(texts) {
                    try TokenContexts($0, tokenizer: tokenizer, configuration(), trainingTokens: 100, heldOutTokens: 0)
                }
            }
            #expect(error?.kind == .badData)
        }
        let error = #expect(throws: PrismError.self) {
            try withCorpus([text(100)]) {
                try TokenContexts(
                    $0, tokenizer: tokenizer, configuration(heldOut: 1e-6), trainingTokens: 100, heldOutTokens: 100)
            }
        }
        #expect(error?.kind == .badData && error?.message.contains("1 document") == true)
        #expect(throws: PrismError.self) { try configuration(length: 1).validate(modelContext: 128) }
        #expect(throws: PrismError.self) { try configuration(length: 129).validate(modelContext: 128) }
        #expect(throws: PrismError.self) { try configuration(heldOut: 1).validate(modelContext: 128) }
        #expect(throws: PrismError.self) { try configuration(heldOut: -0.1).validate(modelContext: 128) }
        #expect(throws: PrismError.self) { try configuration(heldOut: .nan).validate(modelContext: 128) }
    }
}
