import PrismTensor
import Testing

@testable import PrismLab

/// The naive solutions' closed forms against models made by hand that are these solutions.
struct CompressedComputationTests {
    @Test(arguments: [Float(0), 0.05]) func naiveRectifierLossIsThatOfAModelMadeByHand(noise: Float) throws {
        let model = try ToyModel(Experiment.rectifier(labelNoise: noise, seed: 1))
        let identity = Tensor(100, 50)
        for i in 0..<50 { identity[i][i] = 1 }
        model.set(embeddings: identity, readouts: identity)
        let x = model.configuration.features.samples(100_000, seed: 2, stream: "test")
        // 50,000 left-out features were positive in the samples: their squares' mean spreads by 0.4%; 2% is five times it.
        let expected = Experiment.naiveRectifierLoss(model)
        #expect(abs(model.loss(on: x) / expected - 1) < 0.02)
    }

    @Test(arguments: [4, 6]) func naiveANDLossIsThatOfAModelMadeByHand(neurons: Int) throws {
        let configuration = Experiment.pairwiseAND(inputs: 6, neurons: neurons, density: 0.4, seed: 1)
        let model = try ToyModel(configuration)
        let (embeddings, readouts) = (Tensor(6, neurons), Tensor(15, neurons))
        let p: Float = 0.4
        let pairs = (0..<6).flatMap { i in (i + 1..<6).map { (i, $0) } }
        var hiddenBias = [Float](repeating: 0, count: neurons)
        var outputBias = [Float](repeating: p * p, count: 15)
        if neurons < 6 {
            // A pair for each neuron.
            for k in 0..<neurons {
                (embeddings[pairs[k].0][k], embeddings[pairs[k].1][k]) = (1, 1)
                (hiddenBias[k], outputBias[k], readouts[k][k]) = (-1, 0, 1)
            }
        } else {
            // The affine prediction p(xᵢ + xⱼ − p).
            for i in 0..<6 { embeddings[i][i] = 1 }
            for (o, pair) in pairs.enumerated() {
                (readouts[o][pair.0], readouts[o][pair.1], outputBias[o]) = (p, p, -p * p)
            }
        }
        model.set(embeddings: embeddings, readouts: readouts, hiddenBias: hiddenBias, outputBias: outputBias)
        let x = configuration.features.samples(100_000, seed: 2, stream: "test")
        // The loss of a sample spreads about as much as its mean: 0.3% of 100,000; 2% is six times it.
        #expect(abs(model.loss(on: x) / Experiment.naiveANDLoss(configuration) - 1) < 0.02)
    }
}
