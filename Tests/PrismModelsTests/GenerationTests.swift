import Foundation
import PrismCore
import PrismModels
import PrismTensor
import Testing

@Suite struct GenerationTests {
    /// Row by row through the cache, and all rows at once: a row's sums have one order, so the bits are equal.
    @Test(arguments: ["tiny-llama", "tiny-llama-tied"])
    func cachedAndUncachedLogitsAreEqual(name: String) throws {
        for backend in [ReferenceBackend(), CPUBackend()] as [any Backend] {
            try checkCache(Tiny.model(name, backend: backend))
        }
    }

    private func checkCache(_ model: Transformer) throws {
        let tokens = Tiny.contexts[3]
        let whole = try model.logits(tokens)
        for prompt in [1, 4, tokens.count] {
            var generator = try TokenGenerator(
                model, prompt: Array(tokens[..<prompt]), count: tokens.count - prompt, interventions: [])
            var logits = try generator.advance(Array(tokens[..<prompt]))
            #expect(same(logits, whole.rows(prompt - 1..<prompt)))
            for position in prompt..<tokens.count {
                logits = try generator.advance([tokens[position]])
                #expect(same(logits, whole.rows(position..<position + 1)))
            }
        }
    }

    @Test func greedyTakesTheLikeliestTokenEachTime() throws {
        let model = try Tiny.model()
        let tokens = try model.generate(prompt: [5, 9, 33], count: 6)
        var context: [Int32] = [5, 9, 33]
        for token in tokens {
            let logits = try model.logits(context)
            #expect(topTokens(logits.rows(context.count - 1..<context.count), 1)[0].token == token)
            context.append(token)
        }
        #expect(tokens.count == 6)
        #expect(
            try model.generate(prompt: [5, 9, 33], count: 6, stop: [tokens[2]])
                == Array(tokens.prefix { $0 != tokens[2] }))
        var seen: [Int32] = []
        _ = try model.generate(prompt: [5, 9, 33], count: 6) { token in
            seen.append(token)
            return seen.count < 2
        }
        #expect(seen == Array(tokens[..<2]))
    }

    @Test func interventionsActOnEveryPassAndSeeTruePositions() throws {
        let model = try Tiny.model()
        let steer = Intervention(at: .residualPost(layer: 1)) { activation, contexts in
            for context in contexts {
                for row in context.rows {
                    let position = context.firstPosition + row - context.rows.lowerBound
                    activation[row][position] += 3
                }
            }
        }
        let tokens = try model.generate(prompt: [5, 9], count: 4, interventions: [steer])
        var context: [Int32] = [5, 9]
        for token in tokens {
            let logits = try model.logits(context, interventions: [steer])
            #expect(topTokens(logits.rows(context.count - 1..<context.count), 1)[0].token == token)
            context.append(token)
        }
    }

    @Test func aSeedRepeatsItsText() throws {
        let model = try Tiny.model()
        let sampling = Sampling(temperature: 1.5, topP: 0.9)
        func text(_ seed: UInt64) throws -> [Int32] {
            try model.generate(prompt: [1], count: 20, sampling: sampling, seed: seed)
        }
        #expect(try text(1) == text(1))
        #expect(try text(1) != text(2))
    }

    @Test func samplingKeepsWhatItShouldAndDrawsInProportion() {
        // Probabilities .5, .25, .125, .125 at temperature 1.
        let logits: [Float] = [log(2), log(4), log(1), log(1)]
        func shares(_ sampling: Sampling) -> [Float] {
            var generator = SeededGenerator(seed: 3, stream: "test")
            var counts = [Float](repeating: 0, count: 4)
            for _ in 0..<4000 {
                logits.withUnsafeBufferPointer { counts[Int(sampling.token($0, using: &generator)!)] += 1 / 4000 }
            }
            return counts
        }
        // Four standard deviations of a share of ½ in 4000 draws: 0.032.
        #expect(distance(shares(Sampling()), [0.25, 0.5, 0.125, 0.125]) < 0.032)
        #expect(distance(shares(Sampling(topK: 2)), [1 / 3, 2 / 3, 0, 0]) < 0.032)
        #expect(distance(shares(Sampling(topP: 0.75)), [1 / 3, 2 / 3, 0, 0]) < 0.032)
        #expect(distance(shares(Sampling(topP: 0.76)), [2 / 7, 4 / 7, 1 / 7, 0]) < 0.032)
        #expect(distance(shares(Sampling(topK: 2, topP: 0.6)), [0, 1, 0, 0]) < 0.032)
        #expect(distance(shares(Sampling(temperature: 0.5)), [4 / 22, 16 / 22, 1 / 22, 1 / 22]) < 0.032)
        #expect(shares(.greedy) == [0, 1, 0, 0].map { Float($0) } || shares(.greedy)[1] > 0.99)
        var generator = SeededGenerator(seed: 3, stream: "test")
        [Float.nan, .nan].withUnsafeBufferPointer {
            #expect(Sampling(topP: 0.5).token($0, using: &generator) == nil)
        }
    }

    @Test(arguments: [0, 1, 2, 20, 300, 5000])
    func topTokensAreTheLargestInOrder(n: Int) {
        var random = SeededGenerator(seed: 11, stream: "logits")
        // Coarse values, so that many are equal.
        let logits = Tensor(shape: [1, 3001], (0..<3001).map { _ in (random.uniform() * 50).rounded() })
        logits.data[17] = .nan
        logits.data[18] = -.infinity
        let expected = logits.values.enumerated().filter { !$0.element.isNaN }
            .sorted { $0.element != $1.element ? $0.element > $1.element : $0.offset < $1.offset }.prefix(n)
        let found = topTokens(logits, n)
        #expect(found.map { Int($0.token) } == expected.map(\.offset))
        #expect(found.map(\.logit) == expected.map(\.element))
    }

    @Test func callsThatCannotBeMetAreRefused() throws {
        let model = try Tiny.model()
        #expect(throws: PrismError.self) { try model.generate(prompt: [], count: 1) }
        #expect(throws: PrismError.self) { try model.generate(prompt: [1], count: 128) }
        #expect(throws: PrismError.self) { try model.generate(prompt: [64], count: 1) }
        #expect(throws: PrismError.self) {
            try model.generate(prompt: [1], count: 1, sampling: Sampling(temperature: -1))
        }
        #expect(throws: PrismError.self) { try model.generate(prompt: [1], count: 1, sampling: Sampling(topK: 0)) }
        #expect(throws: PrismError.self) { try model.generate(prompt: [1], count: 1, sampling: Sampling(topP: 0)) }
        let broken = Intervention(at: .finalNorm) { x, _ in x.fill(.nan) }
        #expect(throws: PrismError.self) { try model.generate(prompt: [1], count: 1, interventions: [broken]) }
        #expect(try model.generate(prompt: [1], count: 0) == [])
    }
}
