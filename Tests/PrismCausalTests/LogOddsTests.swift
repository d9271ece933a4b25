import PrismCore
import PrismModels
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct LogOddsTests {
    /// m from a few logits and the objective that attribution differentiates, from all of them, are the same function to the
    /// rounding of sums: with biases, and with capped logits.
    @Test(arguments: [(nil, false), (nil, true), (Float(0.01), false)]) func theyAgreeWithTheObjective(
        cap: Float?, hasBias: Bool
    ) throws {
        var configuration = Fixture.model().configuration
        (configuration.logitSoftCap, configuration.unembeddingBias) = (cap, hasBias)
        let model = Transformer(random: configuration, seed: 5, backend: CPUBackend())
        let pairs = PairedRunsTests.pairs
        let alone = try AttributionQuestion(pairs[0].clean, answers: [5, 6], foils: [], baseline: .zero)
        let choices: [any TokenChoice] = pairs + [alone]
        let pass = ForwardRequest(contexts: pairs.map(\.clean) + [alone.prompt], capture: [.finalNorm])
        let values = try model.gradients(GradientRequest(pass, objective: .logOdds(choices))).values
        let odds = LogOdds(choices, model, workers: Workers()).values(try model.run(pass))
        for (odds, value) in zip(odds, values) { #expect(abs(odds - value) < 1e-6) }
        #expect(values.allSatisfy { $0 != 0 })
    }
}
