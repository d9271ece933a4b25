import PrismCore
import PrismTensor
import Testing

@testable import PrismLab

struct RandomCodeLossTests {
    /// A model with random unit embeddings, given one active feature at a time, has the loss of the closed form.
    @Test func isTheLossOfARandomCode() throws {
        let (n, m) = (400, 40)
        var features = FeatureDistribution(count: n, density: [1], greatest: 2)
        features.dependence = .anticorrelated(size: n)
        let model = try ToyModel(ToyConfiguration(features, hidden: m))
        var generator = SeededGenerator(seed: 1, stream: "test")
        let embeddings = Tensor(n, m)
        for i in 0..<embeddings.count { embeddings.data[i] = generator.normal() }
        embeddings.normaliseRows()
        model.set(embeddings: embeddings, outputBias: .init(repeating: -0.3, count: n))
        let x = features.samples(8000, seed: 2, stream: "test")
        // Overlaps of unit vectors have lighter tails than the normal distribution: two per cent at m = 40; samples 1%.
        #expect(
            abs(model.loss(on: x) / RandomCodeLoss(features: n, hidden: m).loss(gain: 1, threshold: 0.3) - 1) < 0.06)
    }

    @Test func rectifiedSquareIsTheIntegral() {
        // Without a mean half of the variance; far above zero all of the second moment; far below nothing.
        #expect(abs(RectifiedNormal(mean: 0, deviation: 2).meanSquare - 2) < 1e-12)
        #expect(abs(RectifiedNormal(mean: 9, deviation: 1).meanSquare - 82) < 1e-9)
        #expect(RectifiedNormal(mean: -9, deviation: 1).meanSquare < 1e-9)
    }
}
