import Foundation
import PrismAtlas
import PrismTensor

extension Experiment {
    static let absoluteValue = Experiment(
        "absolute-value", title: "Computing absolute values in superposition", topic: .toyModels,
        source: "Elhage et al. 2022, “Computation in superposition”", expectedSeconds: 20,
        explanation: """
            y = |x| from signed features, x ∈ [−1, 1], by h = ReLU(W₁x), y = ReLU(W₂h + b). With room, a feature takes a pair of \
            neurons, ReLU(x) and ReLU(−x): this is looked for in 3 features and 6 neurons, the best of 8 trainings. With 100 \
            features of importance 0.8ⁱ and 40 neurons, pairs would do for 20 features. Sparse features get one neuron, for one \
            sign, which explains half of the variance of |xᵢ|; so a feature counts as computed, at least for one sign, where \
            over a quarter is explained, and as computed in full where over 0.9 is. (The threshold was one half at first, \
            which such features straddle; 8000 steps of 512 samples, two repetitions.)
            """
    ) { lab in
        func configuration(_ count: Int, hidden: Int, density: Float) -> ToyConfiguration {
            var configuration = ToyConfiguration(
                FeatureDistribution(count: count, density: [density], least: -1, greatest: 1), hidden: hidden)
            (configuration.isTied, configuration.hiddenActivation) = (false, .relu)
            configuration.target = .absolute
            (configuration.batch, configuration.steps) = (512, 8000)
            configuration.decaysRate = true
            configuration.seed = lab.seed
            return configuration
        }
        let small = try lab.trainBest(of: 8, [configuration(3, hidden: 6, density: 0.3)])[0]
        let pairs = Self.absolutePairs(small.best.model)

        let densities: [Float] = [1, 0.3, 0.1, 0.03, 0.01, 0.003]
        let repetitions = lab.seeds(2)
        let large = try lab.train(
            densities.flatMap { density in
                repetitions.map { seed in
                    var configuration = configuration(100, hidden: 40, density: density)
                    configuration.importance = ToyConfiguration.geometricImportance(100, ratio: 0.8)
                    configuration.seed = seed
                    return configuration
                }
            })
        /// Features of which more than a share of the variance is explained, [density][repetition].
        func counts(above share: Double) -> [[Int]] {
            densities.indices.map { d in
                let p = Double(densities[d])
                let features = large[d * 2].model.configuration.features
                let x = features.samples(20_000, seed: lab.seed, stream: "absolute values")
                return (0..<2).map { repetition in
                    let model = large[d * 2 + repetition].model
                    return model.errors(on: x).enumerated().count { i, error in
                        let variance = Double(model.configuration.importance(of: i)) * (p / 3 - p * p / 4)
                        return error < (1 - share) * variance
                    }
                }
            }
        }
        func series(_ name: String, _ counts: [[Int]]) -> Chart.Series {
            .init(
                name: name, points: zip(densities, counts).map { (Double($0), Double($1[0] + $1[1]) / 2) },
                spread: counts.map { (Double($0.min()!), Double($0.max()!)) })
        }
        let (partly, fully) = (counts(above: 0.25), counts(above: 0.9))
        let least = partly.map { Double($0.min()!) }
        let means = partly.map { Double($0[0] + $0[1]) / 2 }
        let text = means.map { Claim.text($0, 3) }.joined(separator: ", ")
        func weights(_ title: String, _ w: Tensor) -> ReportSection.Part {
            Chart.heatMap(
                title, rows: (0..<3).map { i in (0..<6).map { Double(w[i][$0]) } }, x: "neuron", y: "feature", side: 110
            )
        }
        return Findings(
            claims: [
                Claim(
                    "features with a pair ReLU(x), ReLU(−x) of their own, 3 in 6 neurons", published: "each",
                    closedForm: "3 (loss 0)", got: "\(pairs) at loss \(Claim.text(small.best.loss, 2))",
                    values: [Double(pairs)], criterion: "3", holds: pairs == 3),
                Claim(
                    "features computed by 40 neurons, at falling density", published: "more when sparse", got: text,
                    values: means, criterion: "never fewer at a smaller density",
                    holds: zip(means, means.dropFirst()).allSatisfy { $0 <= $1 }),
                Claim(
                    "features with fewer than two neurons each, when sparse", closedForm: "over 20",
                    got: "\(Claim.text(means.max()!, 3)) features in 40 neurons", values: least,
                    criterion: "over 20 at density 0.01, in both repetitions", holds: least[4] > 20),
            ],
            parts: [
                Chart.lines(
                    "Features computed", x: .init("density", log: true), y: .init("features"),
                    [
                        series("R² > ¼: one sign at least", partly), series("R² > 0.9: in full", fully),
                        .init(
                            name: "two neurons each", points: densities.map { (Double($0), 20) }, isTheory: true),
                    ]), weights("W₁: what each neuron reads", small.best.model.embeddings),
                weights("W₂: what each neuron writes", small.best.model.readouts),
            ])
    }

    /// Features that one neuron reads with a positive and one with a negative weight, both reading and writing little else
    /// (below a tenth of the squares), so that what passes through each is about |x|.
    private static func absolutePairs(_ model: ToyModel) -> Int {
        let (read, write) = (model.embeddings, model.readouts)
        func isOwn(_ w: Tensor, _ i: Int, _ k: Int) -> Bool {
            w[i][k] * w[i][k] > 0.9 * (0..<w.rowCount).reduce(0) { $0 + w[$1][k] * w[$1][k] }
        }
        return (0..<read.rowCount).count { i in
            let own = (0..<read.rowWidth).filter { isOwn(read, i, $0) && isOwn(write, i, $0) }
            let products = own.map { read[i][$0] * write[i][$0] }.sorted()
            return products.count == 2 && abs(products[0] + 1) < 0.1 && abs(products[1] - 1) < 0.1
        }
    }
}
