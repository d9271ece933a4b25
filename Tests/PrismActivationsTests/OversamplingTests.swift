import Foundation
import PrismActivations
import PrismCore
import PrismModels
import PrismTestSupport
import Testing

@Suite struct OversamplingTests {
    /// Documents of distinct words in folders by source, in scripts of their own: 300 contexts of prose, 60 of letters and
    /// 40 of greek, each of 15 tokens.
    private func withCorpus<R>(_ body: (Corpus, Tokenizer) throws -> R) throws -> R {
        try withTemporaryFolder { folder in
            let tokenizer = try TokenContextsTests().tokenizer()
            var generator = SeededGenerator(seed: 4, stream: "words")
            for (source, contexts) in [("prose", 300), ("letters-old", 60), ("greek", 40)] {
                let alphabet = source == "greek" ? "αβγδεζηθικλμ" : "abcdefghijkl"
                let place = folder.appending(path: source)
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                var ids: [Int32] = []
                while ids.count < contexts * 15 {
                    let word = String((0..<5).map { _ in alphabet.randomElement(using: &generator)! })
                    ids += tokenizer.encode(word + " ")
                }
                for (number, part) in stride(from: 0, to: contexts * 15, by: 300).enumerated() {
                    let text = tokenizer.decode(Array(ids[part..<min(part + 300, contexts * 15)]))
                    try Data(text.utf8).write(to: place.appending(path: String(format: "%02d.txt", number)))
                }
            }
            return try body(Corpus(paths: [folder]), tokenizer)
        }
    }

    private func draw(
        _ corpus: Corpus, _ tokenizer: Tokenizer, _ rules: [String]?, tokens: Int = 1 << 20, heldOut: Double = 0,
        seed: UInt64 = 0
    ) throws -> TokenContexts {
        var configuration = ContextConfiguration()
        (configuration.length, configuration.heldOutShare, configuration.seed) = (16, heldOut, seed)
        configuration.oversample = try rules.map { Oversampling(try $0.map { try .init($0) }) }
        return try TokenContexts(
            corpus, tokenizer: tokenizer, configuration, trainingTokens: tokens, heldOutTokens: 300)
    }

    /// How often each context of a source is drawn.
    private func copies(_ contexts: [TokenContext], _ corpus: Corpus, of source: String) -> [Int] {
        let own = contexts.filter { corpus.documents[$0.document].source == source }
        return Dictionary(grouping: own) { "\($0.document) \($0.tokens)" }.values.map(\.count).sorted()
    }

    /// With room for all, a context stands there as often as its weight says, and the weights of two rules multiply.
    @Test func aWeightIsANumberOfCopies() throws {
        try withCorpus { corpus, tokenizer in
            let even = try draw(corpus, tokenizer, nil)
            let counts = { (contexts: [TokenContext], source: String) in
                contexts.count { corpus.documents[$0.document].source == source }
            }
            let (prose, letters, greek) = (
                counts(even.training, "prose"), counts(even.training, "letters-old"), counts(even.training, "greek")
            )
            #expect(prose > 250 && letters > 50 && greek > 30 && even.oversampling == nil)

            let drawn = try draw(corpus, tokenizer, ["letters*=3", "greek=2", "/[α-ω]/=2.5"])
            #expect(copies(drawn.training, corpus, of: "prose") == Array(repeating: 1, count: prose))
            #expect(copies(drawn.training, corpus, of: "letters-old") == Array(repeating: 3, count: letters))
            #expect(copies(drawn.training, corpus, of: "greek") == Array(repeating: 5, count: greek))
            #expect(drawn.even.map(\.tokens) == even.training.map(\.tokens))

            let effects = try #require(drawn.oversampling)
            #expect(
                effects.map(\.pattern) == ["/[α-ω]/", "greek", "letters*"] && effects.map(\.weight) == [2.5, 2, 3])
            #expect(effects.map(\.contexts) == [greek, greek, letters])
            // Counted here from what was drawn, in vectors.
            for (effect, source) in zip(effects, ["greek", "greek", "letters-old"]) {
                for (share, contexts) in [(effect.textShare, even.training), (effect.trainingShare, drawn.training)] {
                    let own = contexts.filter { corpus.documents[$0.document].source == source }
                    let vectors = { (contexts: [TokenContext]) in contexts.reduce(0) { $0 + $1.positions.count } }
                    #expect(share == Double(vectors(own)) / Double(vectors(contexts)))
                }
            }
        }
    }

    /// A weight that is no whole number is one on average, and one below 1 drops contexts.
    @Test func fractionsAreMetOnAverage() throws {
        try withCorpus { corpus, tokenizer in
            let (heavy, light) = (1.4, 0.25)
            let even = try draw(corpus, tokenizer, nil)
            var found = (heavy: 0, light: 0)
            let seeds = 40
            for seed in 0..<seeds {
                let drawn = try draw(
                    corpus, tokenizer, ["greek=\(heavy)", "prose=\(light)"], seed: UInt64(seed)
                ).training
                found.heavy += copies(drawn, corpus, of: "greek").reduce(0, +)
                found.light += copies(drawn, corpus, of: "prose").reduce(0, +)
            }
            for (found, weight, source) in [(found.heavy, heavy, "greek"), (found.light, light, "prose")] {
                let trials = Double(seeds * copies(even.training, corpus, of: source).count)
                let fraction = weight - weight.rounded(.down)
                // Five standard deviations of a binomial.
                let tolerance = 5 * (trials * fraction * (1 - fraction)).squareRoot()
                #expect(abs(Double(found) - trials * weight) < tolerance, "\(source): \(found) of \(trials)")
            }
        }
    }

    /// No more is drawn than was asked for, the shares are those of the weights, and copies do not stand together.
    @Test func sharesFollowTheWeightsWithinTheBudget() throws {
        try withCorpus { corpus, tokenizer in
            let even = try draw(corpus, tokenizer, nil)
            let all = Double(even.training.count)
            let greek = Double(copies(even.training, corpus, of: "greek").reduce(0, +))
            let budget = 200
            var (found, neighbours) = (0, 0)
            let seeds = 50
            for seed in 0..<seeds {
                let contexts = try draw(
                    corpus, tokenizer, ["greek=8"], tokens: budget * 15, seed: UInt64(seed)
                ).training
                #expect(contexts.count == budget)
                found += copies(contexts, corpus, of: "greek").reduce(0, +)
                neighbours += zip(contexts, contexts.dropFirst()).count { $0.tokens == $1.tokens }
            }
            let share = 8 * greek / (all + 7 * greek)
            let trials = Double(seeds * budget)
            // Five standard deviations of a binomial; drawing without replacement has a smaller one.
            #expect(abs(Double(found) - trials * share) < 5 * (trials * share * (1 - share)).squareRoot(), "\(found)")
            // A greek context's neighbour is one of its 7 copies once in some 90 cases, so Poisson with a mean below 55.
            let mean = trials * share * 7 / (all + 7 * greek)
            #expect(Double(neighbours) < mean + 5 * mean.squareRoot(), "\(neighbours), expected \(mean)")
        }
    }

    /// What is held out and what examples are gathered from does not know of the weights; a weight of 1 changes nothing.
    @Test func onlyTrainingIsOversampled() throws {
        try withCorpus { corpus, tokenizer in
            let even = try draw(corpus, tokenizer, nil, tokens: 3000, heldOut: 0.3)
            let heavy = try draw(corpus, tokenizer, ["prose=0.5", "/./=3"], tokens: 3000, heldOut: 0.3)
            #expect(heavy.heldOut.map(\.tokens) == even.heldOut.map(\.tokens) && !even.heldOut.isEmpty)
            #expect(heavy.even.map(\.tokens) == even.training.map(\.tokens))
            #expect(heavy.training.map(\.tokens) != even.training.map(\.tokens))
            let held = Set(even.heldOut.map(\.document))
            #expect(heavy.training.allSatisfy { !held.contains($0.document) })
            let one = try draw(corpus, tokenizer, ["*=1"], tokens: 3000, heldOut: 0.3)
            #expect(one.training.map(\.tokens) == even.training.map(\.tokens))
            // Documents have names too, with their folder.
            let named = try draw(corpus, tokenizer, ["greek/00.txt=3"])
            #expect(copies(named.training, corpus, of: "greek").filter { $0 == 3 }.count >= 18)
        }
    }

    @Test func refusesRulesThatMeanNothing() throws {
        for (rule, part) in [
            ("arabic", "‘arabic’ must be a pattern and a weight"), ("arabic=", "must be a pattern"),
            ("arabic=much", "must be a pattern"), ("=2", "needs a pattern"), ("arabic=0", "must lie above 0"),
            ("arabic=-1", "must lie above 0"), ("arabic=nan", "must lie above 0"), ("arabic=1e9", "at most 1000"),
            ("/[/=2", "‘/[/’ is no regular expression"), ("/a{2,1}/=2", "is no regular expression"),
        ] {
            let error = #expect(throws: PrismError.self, "\(rule)") { try Oversampling.Rule(rule) }
            #expect(error?.kind == .usage && error?.message.contains(part) == true, "\(error?.message ?? "")")
        }
        try withCorpus { corpus, tokenizer in
            for (rule, part) in [
                ("arabic*=4", "‘arabic*’ matches no source and no document of the training text; sources are greek, "),
                ("/[א-ת]/=4", "/[א-ת]/ is found in no context"), ("*=1e-9", "leave no context to train on"),
            ] {
                let error = #expect(throws: PrismError.self) { try draw(corpus, tokenizer, [rule]) }
                #expect(error?.kind == .usage && error?.message.contains(part) == true, "\(error?.message ?? "")")
            }
        }
    }

    @Test func isATableInJSON() throws {
        let oversampling = Oversampling(try [.init("b=2"), .init("/a=b/=3"), .init("b=4")])
        #expect(oversampling.rules.map(\.pattern) == ["/a=b/", "b"] && oversampling.rules.map(\.weight) == [3, 4])
        let data = try JSONEncoder.prism.encode(oversampling)
        #expect(String(decoding: data, as: UTF8.self) == "{\n  \"/a=b/\" : 3,\n  \"b\" : 4\n}")
        #expect(try JSONDecoder().decode(Oversampling.self, from: data) == oversampling)
        #expect(throws: PrismError.self) { try JSONDecoder().decode(Oversampling.self, from: Data(#"{"a": 0}"#.utf8)) }
    }
}
