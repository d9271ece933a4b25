import Foundation
import PrismCore
import PrismTensor
import Testing

@testable import PrismLab

@Suite struct InterferenceModelTests {
    /// Against outputs computed one by one: a Gaussian code, whose cosines have the variance 1/m, which rounding noise of
    /// √(1 + m/n) − 1 makes of a tight frame's.
    @Test(arguments: [(200, 0.02, 0.9, -0.1), (400, 0.01, 1.2, -0.25), (400, 0.1, 0.6, -0.3)])
    func theErrorIsThatOfAGaussianCode(features: Int, density: Double, gain: Double, bias: Double) throws {
        let width = 100
        let theory = InterferenceModel(
            features: Double(features), density: density, width: Double(width),
            weightNoise: (1 + Double(width) / Double(features)).squareRoot() - 1)
        var errors: [Double] = []
        for seed in UInt64(0)..<4 {
            var configuration = ToyConfiguration(
                FeatureDistribution(count: features, density: [Float(density)]), hidden: width)
            configuration.seed = seed
            let model = try ToyModel(configuration)
            var generator = SeededGenerator(seed: seed, stream: "gaussian")
            let code = Code.gaussian(features: features, hidden: width, &generator).vectors
            model.set(
                embeddings: code.scalingRows(by: [Double](repeating: gain.squareRoot(), count: features)).tensor,
                outputBias: [Float](repeating: Float(bias), count: features))
            let samples = configuration.features.samples(4000, seed: seed, stream: "test")
            errors.append(model.loss(on: samples) / (Double(features) * density / 3))
        }
        let mean = errors.reduce(0, +) / 4
        // 16,000 samples of some tens of outputs that matter leave 2%; that a sum of few is not normal, as much again.
        #expect(abs(theory.error(gain: gain, bias: bias) / mean - 1) < 0.06)
    }

    @Test func theOptimumIsNoWorseThanItsNeighbours() {
        let model = InterferenceModel(features: 500, density: 0.02, width: 120)
        let best = model.optimum()
        for (gain, bias) in [(0.02, 0.0), (-0.02, 0), (0, 0.02), (0, -0.02)] {
            #expect(model.error(gain: best.gain + gain, bias: best.bias + bias) >= best.error)
        }
        // A neuron for each feature leaves no interference, and no error.
        #expect(InterferenceModel(features: 500, density: 0.02, width: 500).optimum().error < 1e-3)
    }
}
