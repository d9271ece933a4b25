import Foundation
import PrismAtlas
import PrismTensor

extension Experiment {
    static let privilegedBasis = Experiment(
        "privileged-basis", title: "Neurons become polysemantic as features become sparse", topic: .toyModels,
        source: "Elhage et al. 2022, “Superposition in a privileged basis”", expectedSeconds: 90,
        explanation: """
            h = ReLU(Wx), x′ = ReLU(Wᵀh + b) with 10 features of importance 0.75ⁱ and 5 neurons; for each density the best of \
            64 trainings (published: of 1000), each of 10,000 steps of 512 samples. The ReLU makes neurons the natural axes. A \
            neuron counts as monosemantic where one feature has over 90% of the squares of its weights. Dense features get a \
            neuron each; the sparser they are, the more of them share neurons in small codes, “three in two neurons” first. (At \
            density 1 nothing is ever off, and a ReLU that is always on favours no axes. 3000 steps of 256 samples, as at \
            first, were too few: dense models ended with three monosemantic neurons.)
            """
    ) { lab in
        let densities: [Float] = [0.85, 0.7, 0.5, 0.35, 0.25, 0.2, 0.15, 0.12, 0.08, 0.06, 0.04]
        let trained = try lab.trainBest(
            of: 64,
            densities.map { density in
                var configuration = ToyConfiguration(FeatureDistribution(count: 10, density: [density]), hidden: 5)
                configuration.hiddenActivation = .relu
                configuration.importance = ToyConfiguration.geometricImportance(10, ratio: 0.75)
                (configuration.batch, configuration.steps) = (512, 10_000)
                (configuration.learningRate, configuration.decaysRate) = (1e-3, true)
                configuration.seed = lab.seed
                return configuration
            })
        let models = trained.map(\.best.model.embeddings)
        let codes = models.map(NeuronCode.init)
        let counts = codes.map(\.monosemantic)
        let dense = counts.prefix(2)
        let published: [(density: Float, shared: NeuronCode)] = [
            (0.35, .init(features: 3, neurons: 2)), (0.15, .init(features: 5, neurons: 3)),
            (0.12, .init(features: 6, neurons: 4)), (0.06, .init(features: 8, neurons: 5)),
        ]
        let codeClaims = published.map { density, shared in
            let found = codes[densities.firstIndex(of: density)!]
            return Claim(
                "features that share neurons at density \(density)", published: shared.text, got: found.text,
                values: [Double(found.features), Double(found.neurons)], criterion: "as published",
                holds: (found.features, found.neurons) == (shared.features, shared.neurons))
        }
        return Findings(
            claims: [
                Claim(
                    "monosemantic neurons of dense features", published: "all 5 above density 0.5",
                    got: dense.map(String.init).joined(separator: ", "), values: dense.map(Double.init),
                    criterion: "5 at densities 0.85 and 0.7", holds: dense.allSatisfy { $0 == 5 }),
                Claim(
                    "monosemantic neurons as features become sparser", published: "fewer and fewer",
                    got: counts.map(String.init).joined(separator: ", "), values: counts.map(Double.init),
                    criterion: "never more at a smaller density, none at the least",
                    holds: zip(counts, counts.dropFirst()).allSatisfy { $0 >= $1 } && counts.last == 0),
            ] + codeClaims,
            parts: [
                Chart.lines(
                    "Monosemantic neurons", caption: "Of five.", x: .init("density", log: true), y: .init("neurons"),
                    [.init(name: "monosemantic", points: zip(densities, counts).map { (Double($0), Double($1)) })])
            ]
                + zip(densities, models).map { density, w in
                    Chart.heatMap(
                        "Density \(density)", caption: "Weight of each feature in each neuron.",
                        rows: (0..<5).map { k in (0..<10).map { Double(w[$0][k]) } }, x: "feature", y: "neuron",
                        side: 130)
                })
    }

    /// What the neurons of a layer stand for.
    private struct NeuronCode {
        /// Represented features that share neurons, and the neurons that they share.
        var features, neurons: Int
        var monosemantic = 0

        var text: String { neurons == 0 ? "none" : "\(features) in \(neurons) neurons" }

        init(features: Int, neurons: Int) { (self.features, self.neurons) = (features, neurons) }

        /// - w: [features, neurons].
        init(_ w: Tensor) {
            func squares(_ k: Int) -> [Double] { (0..<w.rowCount).map { Double(w[$0][k] * w[$0][k]) } }
            let alive = (0..<w.rowWidth).filter { squares($0).reduce(0, +) > 0.25 }
            let shared = alive.filter { squares($0).max()! <= 0.9 * squares($0).reduce(0, +) }
            monosemantic = alive.count - shared.count
            neurons = shared.count
            features = (0..<w.rowCount).count { i in shared.reduce(0) { $0 + w[i][$1] * w[i][$1] } > 0.25 }
        }
    }
}
