import PrismDictionaries
import PrismMetrics
import PrismTensor
import Testing

@Suite struct AmortisationGapTests {
    /// Two latents that are not orthogonal: d₁ = (1, 0), d₂ = (.6, .8), encoder rows equal to them, and x = ±d₂ + (5, 5) with
    /// the bias (5, 5). The encoder gives z = (.6, 1) for +d₂, so x̂ − b = (1.2, .8), and nothing for −d₂; the best code of
    /// one latent is exact for the first and nothing for the second. x̄ = (5, 5), so the spread is 2.
    @Test func isTheDifferenceByHand() throws {
        let rows = Tensor(shape: [2, 2], [1, 0, 0.6, 0.8])
        let dictionary = SparseDictionary(
            encoder: rows, encoderBias: Tensor(2), decoder: rows, decoderBias: Tensor(shape: [2], [5, 5]),
            activation: .relu)
        let x = Tensor(shape: [2, 2], [5.6, 5.8, 4.4, 4.2])
        let gap = try AmortisationGap(
            of: dictionary, on: x, by: .orthogonalMatchingPursuit(k: 1), workers: Workers(count: 1))
        // Errors (.6² + 1)/2 and (0 + 1)/2.
        #expect(abs(gap.encoder.fvu - 0.68) < 1e-5 && abs(gap.coder.fvu - 0.5) < 1e-5)
        #expect(abs(gap.fvu - 0.18) < 1e-5)
        #expect(gap.encoder.l0 == 1 && gap.coder.l0 == 0.5)
        #expect(gap.codes[0].map(\.latent) == [1] && gap.codes[1].isEmpty)
    }
}
