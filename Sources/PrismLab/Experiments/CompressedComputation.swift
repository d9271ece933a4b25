import PrismAtlas
import Foundation
import PrismTensor

extension Experiment {
    static let compressedComputation = Experiment(
        "compressed-computation", title: "Computed in superposition, or only seeming so", topic: .capacity,
        source: "Bhagat et al. 2025, on a model of Braun et al. 2025", expectedSeconds: 20,
        explanation: """
            A negative control. 50 ReLU neurons without biases shall output ReLU(xᵢ) of 100 signed features of density 0.01. \
            The naive solution computes 50 of them exactly and nothing for the others. Where the labels are ReLU(x) + Mx \
            with a small fixed random M, training goes well below the naive solution's loss, as if all 100 were computed in \
            superposition; but it only fits Mx. The test is to remove M: an advantage from computing in superposition must \
            survive that. The same test on all pairwise ANDs of 16 Boolean inputs, whose labels never hold noise, against \
            the better of two naive solutions: one pair for each neuron, or none and the best affine prediction.
            """
    ) { lab in
        let (noises, repetitions): ([Float], Int) = ([0, 0.01, 0.02, 0.03, 0.05], 3)
        let seeds = lab.seeds(repetitions)
        let ands = seeds.map { Self.pairwiseAND(inputs: 16, neurons: 16, density: 0.15, seed: $0) }
        let all = try lab.train(
            noises.flatMap { noise in seeds.map { Self.rectifier(labelNoise: noise, seed: $0) } } + ands)
        let trained = all.dropLast(repetitions)
        // Loss over the naive solution's, on the labels of training and on clean ones, of the same samples.
        func ratio(_ model: ToyModel) -> Double {
            let x = model.configuration.features.samples(65_536, seed: lab.seed, stream: "labels")
            return model.loss(on: x) / Self.naiveRectifierLoss(model)
        }
        let own = trained.map { ratio($0.model) }
        let clean = try trained.map { toy in
            let model = try ToyModel(Self.rectifier(labelNoise: 0, seed: toy.model.configuration.seed))
            model.set(embeddings: toy.model.embeddings, readouts: toy.model.readouts)
            return ratio(model)
        }
        let control = all.suffix(repetitions).map { 1 - $0.loss / Self.naiveANDLoss($0.model.configuration) }
        func group(_ values: [Double], _ noise: Int) -> [Double] {
            Array(values[noise * repetitions..<(noise + 1) * repetitions])
        }
        func line(_ name: String, _ values: [Double]) -> Chart.Series {
            .init(name, repetitions: noises.indices.map { (Double(noises[$0]), group(values, $0)) })
        }
        return Findings(
            claims: [
                Claim(
                    "with noise of 0.02 in the labels the loss is below the naive solution's (advantage)",
                    published: "below", spread: group(own, 2).map { 1 - $0 }, criterion: "above 0.05",
                    holds: { $0 > 0.05 }),
                Claim(
                    "without that noise no advantage is left", published: "none left",
                    spread: group(own, 0).map { 1 - $0 }, criterion: "below 0.02", holds: { $0 < 0.02 }),
                Claim(
                    "what was trained on noisy labels is no better on clean ones (advantage)",
                    spread: group(clean, 2).map { 1 - $0 }, criterion: "below 0.02", holds: { $0 < 0.02 }),
                Claim(
                    "the control passes where computing is in superposition: pairwise AND (advantage)", spread: control,
                    criterion: "above 0.1 with clean labels", holds: { $0 > 0.1 }),
            ],
            parts: [
                Chart.lines(
                    "Loss over the naive solution's", caption: "Median, least and most of \(repetitions) seeds.",
                    x: .init("noise in the labels: standard deviation of Mᵢⱼ"), y: .init("loss / naive loss"),
                    [
                        line("on the labels trained with", own), line("on clean labels", clean),
                        .init(
                            name: "naive solution", points: [(0, 1), (Double(noises.last!), 1)], isTheory: true),
                    ])
            ])
    }

    static func rectifier(labelNoise: Float, seed: UInt64) -> ToyConfiguration {
        var configuration = ToyConfiguration(
            FeatureDistribution(count: 100, density: [0.01], least: -1, greatest: 1), hidden: 50)
        configuration.target = .rectified(labelNoise: labelNoise)
        (configuration.isTied, configuration.hasOutputBias) = (false, false)
        (configuration.hiddenActivation, configuration.outputActivation) = (.relu, .linear)
        (configuration.batch, configuration.steps, configuration.seed) = (256, 6000, seed)
        (configuration.learningRate, configuration.decaysRate) = (3e-3, true)
        return configuration
    }

    static func pairwiseAND(inputs: Int, neurons: Int, density: Float, seed: UInt64) -> ToyConfiguration {
        var configuration = ToyConfiguration(
            FeatureDistribution(count: inputs, density: [density], least: 1, greatest: 1), hidden: neurons)
        configuration.target = .and
        (configuration.isTied, configuration.hasHiddenBias) = (false, true)
        (configuration.hiddenActivation, configuration.outputActivation) = (.relu, .linear)
        (configuration.batch, configuration.steps, configuration.seed) = (256, 6000, seed)
        (configuration.learningRate, configuration.decaysRate) = (3e-3, true)
        return configuration
    }

    /// p(n − m)/6 + p‖M‖²/3: with x uniform in [−1, 1] where active, E ReLU(x)² = 1/6 for each feature left out, and
    /// E x² = 1/3 for what M mixes in.
    static func naiveRectifierLoss(_ model: ToyModel) -> Double {
        let features = model.configuration.features
        let mixed = model.labelMixing?.values.reduce(0) { $0 + Double($1) * Double($1) } ?? 0
        return Double(features.density(of: 0))
            * (Double(features.count - model.configuration.hidden) / 6 + mixed / 3)
    }

    /// With P = n(n − 1)/2 pairs: (P − m)p²(1 − p²), where each neuron makes one pair and the others are put at their mean,
    /// or Pp²(1 − p)², where n neurons hand on the inputs: the best affine prediction leaves (xᵢ − p)(xⱼ − p).
    static func naiveANDLoss(_ configuration: ToyConfiguration) -> Double {
        let (pairs, p) = (Double(configuration.outputs), Double(configuration.features.density(of: 0)))
        let exact = (pairs - Double(configuration.hidden)) * p * p * (1 - p * p)
        return configuration.hidden < configuration.features.count
            ? exact : min(exact, pairs * p * p * (1 - p) * (1 - p))
    }
}
