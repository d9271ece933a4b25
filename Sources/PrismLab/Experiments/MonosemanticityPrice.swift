import PrismAtlas
import PrismCore
import PrismTensor

extension Experiment {
    static let monosemanticityPrice = Experiment(
        "monosemanticity-price", title: "What monosemantic neurons cost", topic: .design,
        source: "derived here; selectivity as Jermyn et al. 2022", expectedSeconds: 30,
        explanation: """
            ReLU layers of 12 neurons (a privileged basis) hold 24 features of density 0.1 under a growing L1 penalty on \
            their activations. Selectivity is the share of a neuron's positive response that its favourite feature carries, \
            on average over neurons that respond; 1 is monosemantic. The price is the slope of the loss, in units of the \
            features' energy, against selectivity: what each tenth of selectivity is paid with. Twice as many neurons, one \
            for each feature, are the other way to buy it. The penalty itself buys little.
            """
    ) { lab in
        let (features, density) = (24, Float(0.1))
        let penalties: [Float] = [0, 0.003, 0.01, 0.02, 0.04, 0.07]
        func configuration(_ hidden: Int, _ penalty: Float, _ seed: UInt64) -> ToyConfiguration {
            var configuration = ToyConfiguration(
                FeatureDistribution(count: features, density: [density]), hidden: hidden)
            configuration.hiddenActivation = .relu
            configuration.activationL1 = penalty
            (configuration.batch, configuration.steps, configuration.seed) = (512, 4000, seed)
            (configuration.learningRate, configuration.decaysRate) = (3e-3, true)
            return configuration
        }
        let repetitions = 4
        let widths = [12, 24]
        let trained = try lab.train(
            widths.flatMap { width in
                penalties.flatMap { penalty in lab.seeds(repetitions).map { configuration(width, penalty, $0) } }
            })
        let samples = trained[0].model.configuration.features.samples(8192, seed: lab.seed, stream: "price")
        let energy = trained[0].model.configuration.features.energy
        let points = trained.map { (x: selectivity($0.model), y: $0.model.loss(on: samples) / energy) }
        let narrow = Array(points.prefix(penalties.count * repetitions))
        let wide = Array(points.suffix(penalties.count * repetitions))
        // One seed is left out at a time for the spread.
        let slopes = (0..<repetitions).map { left in
            Line(narrow.indices.filter { $0 % repetitions != left }.map { narrow[$0] }).slope
        }
        let free = (0..<repetitions).map { narrow[$0] }
        let bought = (0..<repetitions).map { wide[$0] }
        let penalised = narrow.suffix(repetitions)
        return Findings(
            claims: [
                Claim(
                    "a penalty buys selectivity",
                    got:
                        "\(Claim.text(free.map(\.x).mean, 3)) without, \(Claim.text(penalised.map(\.x).mean, 3)) at the largest",
                    values: penalised.map(\.x), criterion: "more than without",
                    holds: penalised.map(\.x).mean > free.map(\.x).mean),
                Claim(
                    "loss paid for each unit of selectivity, in units of the energy", spread: slopes,
                    criterion: "above 0", holds: { $0 > 0 }),
                Claim(
                    "twice as many neurons buy it without a loss",
                    got:
                        "selectivity \(Claim.text(bought.map(\.x).mean, 3)) at loss \(Claim.text(bought.map(\.y).mean, 3)), from \(Claim.text(free.map(\.x).mean, 3)) at \(Claim.text(free.map(\.y).mean, 3))",
                    values: bought.map(\.x), criterion: "higher selectivity and lower loss",
                    holds: bought.map(\.x).mean > free.map(\.x).mean && bought.map(\.y).mean < free.map(\.y).mean),
            ],
            parts: [
                Chart.scatter(
                    "Loss against selectivity", caption: "each point a training, along a growing penalty",
                    x: .init("selectivity"), y: .init("loss over energy"),
                    [("12 neurons", narrow), ("24 neurons", wide)])
            ])
    }

    /// Mean over neurons of the share of their response that one feature carries, of all given alone at full value.
    private static func selectivity(_ model: ToyModel) -> Double {
        let n = model.configuration.features.count
        let alone = Tensor(n, n)
        for i in 0..<n { alone[i][i] = 1 }
        let hidden = model.run(alone).hidden
        let shares = (0..<hidden.rowWidth).compactMap { neuron -> Double? in
            let responses = (0..<n).map { Double(max(0, hidden[$0][neuron])) }
            let total = responses.reduce(0, +)
            return total > 1e-3 ? responses.max()! / total : nil
        }
        return shares.isEmpty ? 0 : shares.reduce(0, +) / Double(shares.count)
    }
}
