import PrismAtlas
import Foundation
import PrismTensor

extension Experiment {
    static let incidental = Experiment(
        "incidental", title: "Polysemantic neurons by collision alone", topic: .capacity,
        source: "Lecomte et al. 2023", expectedSeconds: 30,
        explanation: """
            A tied autoencoder y = ReLU(WᵀWx) of 64 one-hot features with 64 to 1024 hidden neurons, so that every feature \
            could have one to itself, under an L1 penalty of 0.1 on h. Each feature ends on the neuron that was nearest to \
            it when training began; two features that chose the same neuron with opposite signs do not disturb each other \
            and stay. Pairs share a neuron with probability 1/m and have opposite signs with ½, which makes n²/4m \
            polysemantic neurons. Trained by gradient descent: Adam's equal steps would not amplify a lead. Published with \
            n = 256; the law does not depend on it.
            """
    ) { lab in
        let (n, widths, repetitions) = (64, [1024, 512, 256, 128, 64], 12)
        let trained = try lab.train(
            widths.flatMap { width in
                lab.seeds(repetitions).map { Self.collidingAutoencoder(features: n, hidden: width, seed: $0) }
            })
        let counts = trained.map { Double(Self.polysemanticNeurons($0.model.embeddings)) }
        let points = widths.enumerated().map { i, width in
            let group = counts[i * repetitions..<(i + 1) * repetitions]
            return (
                width: Double(width), mean: group.reduce(0, +) / Double(repetitions), least: group.min()!,
                most: group.max()!, expected: Double(n * n) / Double(4 * width)
            )
        }
        let law = PowerLaw(points.map { ($0.width, $0.mean) })
        let ratio = points.reduce(0) { $0 + $1.mean } / points.reduce(0) { $0 + $1.expected }
        let shares = trained.map { Self.shareOnOneNeuron($0.model.embeddings) }
        return Findings(
            claims: [
                Claim(
                    "polysemantic neurons fall as 1/m", published: "slope −1", closedForm: "−1",
                    got: "\(Claim.text(law.exponent, 3)) (R² \(Claim.text(law.fit, 3)))", values: [law.exponent],
                    criterion: "log–log slope within 0.15 of −1", holds: abs(law.exponent + 1) < 0.15),
                Claim(
                    "their number is n²/4m", published: "n²/4m", closedForm: "n²/4m",
                    got: points.map {
                        "m \(Int($0.width)): \(Claim.text($0.mean, 3)) of \(Claim.text($0.expected, 3))"
                    }.joined(separator: "; "), values: points.map(\.mean),
                    criterion: "sum over all m within a quarter of n²/4m", holds: abs(ratio - 1) < 0.25),
                Claim(
                    "each feature ends on one neuron (share of features)", spread: shares,
                    criterion: "above 0.95 in the median run", holds: { $0 > 0.95 }),
            ],
            parts: [
                Chart.lines(
                    "Polysemantic neurons against width",
                    caption: "Mean over \(repetitions) seeds, with least and most.",
                    x: .init("hidden neurons m", log: true),
                    y: .init("polysemantic neurons", log: true),
                    [
                        .init(
                            name: "trained", points: points.map { ($0.width, $0.mean) },
                            // A logarithm has no place for runs without any.
                            spread: points.map { (max($0.least, 0.5), $0.most) }),
                        .init(name: "n²/4m", points: points.map { ($0.width, $0.expected) }, isTheory: true),
                    ]),
                Chart.heatMap(
                    "Embeddings of one run",
                    caption: "Features in rows, the 64 neurons of the narrowest model in columns.",
                    rows: (0..<n).map { feature in
                        let w = trained.last!.model.embeddings
                        return (0..<n).map { Double(w[feature][$0]) }
                    }, x: "neuron", y: "feature"),
            ])
    }

    /// Of one-hot features; initial embeddings have length one on average.
    static func collidingAutoencoder(features n: Int, hidden: Int, seed: UInt64) -> ToyConfiguration {
        var features = FeatureDistribution(count: n, least: 1, greatest: 1)
        features.dependence = .anticorrelated(size: n)
        var configuration = ToyConfiguration(features, hidden: hidden)
        configuration.hasOutputBias = false
        configuration.optimiser = .sgd
        // A feature is in one sample of n: the rate for each is 0.03.
        configuration.learningRate = 0.03 * Float(n)
        configuration.activationL1 = 0.1
        configuration.initialScale = 1 / Float(hidden).squareRoot()
        (configuration.batch, configuration.steps, configuration.seed) = (64, 2000, seed)
        return configuration
    }

    /// Neurons on which two or more features lie with more than half a unit. - embeddings: [features, hidden].
    static func polysemanticNeurons(_ embeddings: Tensor) -> Int {
        (0..<embeddings.rowWidth).count { k in (0..<embeddings.rowCount).count { abs(embeddings[$0][k]) > 0.5 } > 1 }
    }

    private static func shareOnOneNeuron(_ embeddings: Tensor) -> Double {
        let settled = (0..<embeddings.rowCount).count { i in
            let large = (0..<embeddings.rowWidth).count { abs(embeddings[i][$0]) > 0.5 }
            let traces = (0..<embeddings.rowWidth).count { abs(embeddings[i][$0]) > 0.1 }
            return large == 1 && traces == 1
        }
        return Double(settled) / Double(embeddings.rowCount)
    }
}
