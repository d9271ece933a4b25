import Foundation
import PrismActivations
import PrismCore
import PrismMetrics
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismCausal
@testable import PrismModels

@Suite struct TunedLensTests {
    private static func contexts(_ count: Int, seed: UInt64, length: Int = 16) -> [TokenContext] {
        var generator = SeededGenerator(seed: seed, stream: "tokens")
        return (0..<count).map { _ in
            let tokens = (0..<length).map { _ in Int32.random(in: 0..<90, using: &generator) }
            return TokenContext(tokens: tokens, document: 0, positions: (1..<Int32(length)).map { $0 })
        }
    }

    private static func divergences(_ model: Transformer, _ lens: TunedLens, _ contexts: [TokenContext]) throws
        -> [LensDivergence]
    {
        try LensDivergence.measured(
            model, lens, contexts, progress: Progress("", total: contexts.count, unit: ""), workers: Workers(count: 2))
    }

    private static func trained(_ model: Transformer, threads: Int = 2) throws -> TunedLens {
        var configuration = TunedLensConfiguration()
        configuration.rate = 0.01
        return try TunedLens(
            training: model, on: contexts(120, seed: 1), configuration,
            progress: Progress("", total: 120, unit: ""), workers: Workers(count: threads))
    }

    /// Nearer to the model than the logit lens at every layer, on tokens that it was not trained on.
    @Test func beatsTheLogitLens() throws {
        let model = Fixture.model()
        let found = try Self.divergences(model, Self.trained(model), Self.contexts(20, seed: 2))
        for row in found.dropLast() { #expect(row.tunedLens.high < row.logitLens.low, "\(row.hook)") }
        #expect(found.last!.tunedLens.value == 0 && found.last!.logitLens.value == 0)
    }

    /// The mean is over used tokens, not over contexts of different lengths.
    @Test func averagesOverUsedTokens() throws {
        let model = Fixture.model()
        let contexts = Self.contexts(1, seed: 3) + Self.contexts(1, seed: 4, length: 5)
        let found = try Self.divergences(model, TunedLens(model.configuration), contexts)
        var (sum, count) = (0.0, 0)
        for context in contexts {
            let reading = try LensReading(context.tokens, Lens(model), top: 1, workers: Workers(count: 1)) { "\($0)" }
            for position in context.positions { sum += reading.rows[1].positions[Int(position)].divergence }
            count += context.positions.count
        }
        // Sums in another order; an untrained lens is the logit lens.
        #expect(abs(found[1].logitLens.value - sum / Double(count)) < 1e-9)
        #expect(found[1].tunedLens == found[1].logitLens && sum > 0 && count == 19)
    }

    @Test func isTheSameWithAnyThreadsAndFromAFile() throws {
        let model = Fixture.model()
        let lenses = try [Self.trained(model, threads: 1), Self.trained(model, threads: 2)]
        func numbers(_ lens: TunedLens) -> [Float] { lens.translators.flatMap { $0.weight.values + $0.bias.values } }
        #expect(numbers(lenses[0]) == numbers(lenses[1]))
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "lens.safetensors")
            try lenses[0].save(to: url, for: model)
            #expect(numbers(try TunedLens(loading: url, for: model)) == numbers(lenses[0]))
            #expect(throws: PrismError.self) { try TunedLens(loading: url, for: Fixture.model(layers: 2)) }
        }
    }

    /// KL and its gradient by the logits, against the definition and finite differences.
    @Test func divergenceIsTheDefinition() throws {
        let target = Tensor(shape: [1, 3], [1, -0.5, 0.25])
        guard case .logits(let objective) = Objective.klDivergence(from: target) else { return }
        let context = ContextRows(index: 0, rows: 0..<1, firstPosition: 0, tokens: [0])
        func value(_ logits: [Float]) -> (Double, [Float]) {
            var gradient: [Float] = [0, 0, 0]
            let value = logits.withUnsafeBufferPointer { logits in
                gradient.withUnsafeMutableBufferPointer { objective.value(context, 0, logits, $0) }
            }
            return (value, gradient)
        }
        func softmax(_ logits: [Float]) -> [Double] {
            let exponentials = logits.map { exp(Double($0)) }
            return exponentials.map { $0 / exponentials.reduce(0, +) }
        }
        let logits: [Float] = [0.3, 0.6, -1]
        let (p, q) = (softmax(target.values), softmax(logits))
        let (found, gradient) = value(logits)
        #expect(abs(found - zip(p, q).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }) < 1e-6)
        for token in 0..<3 { #expect(abs(Double(gradient[token]) - (q[token] - p[token])) < 1e-6) }
    }
}
