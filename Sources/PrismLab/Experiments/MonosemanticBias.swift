import PrismAtlas
import PrismTensor

extension Experiment {
    static let monosemanticBias = Experiment(
        "monosemantic-bias", title: "Monosemantic neurons from a negative bias", topic: .capacity,
        source: "Jermyn et al. 2022", expectedSeconds: 25,
        explanation: """
            64 sparse features (density 1/64) pass a fixed random projection P to 32 dimensions; y = L₂ ReLU(L₁Px + b) with \
            192 neurons shall give them back. A neuron is monosemantic if one feature, of all given alone at full value, \
            carries more than 0.999 of its positive response. Only the bias that training begins with differs. Features \
            reach 4 and initial weights are 0.25, so that a neuron's first response to a feature at full value has standard \
            deviation 1. Published with 512 features in 64 dimensions and up to 2048 neurons; fewer of these neurons \
            become monosemantic, as published for narrow layers.
            """
    ) { lab in
        let (biases, repetitions): ([Float], Int) = ([0, -0.5, -1, -2], 3)
        let trained = try lab.train(
            biases.flatMap { bias in lab.seeds(repetitions).map { Self.featureDecoder(bias: bias, seed: $0) } })
        let groups = biases.indices.map { i in
            let group = trained[i * repetitions..<(i + 1) * repetitions]
            return (
                losses: group.map(\.loss).sorted(),
                counts: group.map { Double(Self.monosemanticNeurons($0.model)) }.sorted()
            )
        }
        let middle = repetitions / 2
        // Equal seeds begin with the same weights and see the same samples.
        let excess = (0..<repetitions).map { trained[2 * repetitions + $0].loss / trained[$0].loss - 1 }
        func line(_ name: String, _ values: [[Double]]) -> Chart.Series {
            .init(name, repetitions: zip(biases, values).map { (Double($0), $1) })
        }
        return Findings(
            claims: [
                Claim(
                    "a first bias of −1 makes more neurons monosemantic than 0", published: "more",
                    got: "\(Int(groups[2].counts[middle])) against \(Int(groups[0].counts[middle])) of 192",
                    values: groups[2].counts, criterion: "the least of \(repetitions) seeds above the most at 0",
                    holds: groups[2].counts.first! > groups[0].counts.last!),
                Claim(
                    "at no higher loss (share by which it is above that of bias 0)", published: "equal",
                    spread: excess, criterion: "at most 0.02", holds: { $0 <= 0.02 }),
            ],
            parts: [
                Chart.lines(
                    "Monosemantic neurons", caption: "Of 192; median, least and most of \(repetitions) seeds.",
                    x: .init("first bias"), y: .init("monosemantic neurons"), [line("neurons", groups.map(\.counts))]),
                Chart.lines(
                    "Loss", caption: "Median, least and most of \(repetitions) seeds.", x: .init("first bias"),
                    y: .init("loss"), [line("loss", groups.map(\.losses))]),
            ])
    }

    private static func featureDecoder(bias: Float, seed: UInt64) -> ToyConfiguration {
        var configuration = ToyConfiguration(
            FeatureDistribution(count: 64, density: [1 / 64], greatest: 4), hidden: 192)
        configuration.projection = 32
        (configuration.isTied, configuration.hasHiddenBias, configuration.hasOutputBias) = (false, true, false)
        (configuration.hiddenActivation, configuration.outputActivation) = (.relu, .linear)
        (configuration.initialHiddenBias, configuration.initialScale) = (bias, 0.25)
        (configuration.batch, configuration.steps, configuration.seed) = (256, 6000, seed)
        (configuration.learningRate, configuration.decaysRate) = (5e-3, true)
        return configuration
    }

    /// Neurons whose favourite feature carries more than 0.999 of their response, summed over all features, each alone at
    /// its greatest value.
    static func monosemanticNeurons(_ model: ToyModel) -> Int {
        let features = model.configuration.features
        let alone = Tensor(features.count, features.count)
        for i in 0..<features.count { alone[i][i] = features.greatest }
        let response = model.run(alone).hidden
        return (0..<response.rowWidth).count { k in
            let positive = (0..<features.count).map { max(0, response[$0][k]) }
            let sum = positive.reduce(0, +)
            return sum > 0 && positive.max()! > 0.999 * sum
        }
    }
}
