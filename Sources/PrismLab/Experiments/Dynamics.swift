import PrismAtlas
import PrismTensor

extension Experiment {
    static let dynamics = Experiment(
        "dynamics", title: "Features jump between shares of a dimension", topic: .toyModels,
        source: "Elhage et al. 2022, superposition and learning dynamics", expectedSeconds: 8,
        explanation: """
            Six features of density 0.1 in three dimensions, recorded every 25 steps of training. Features do not drift towards their \
            final share Dᵢ, they jump, and the loss drops when they do. A jump is a burst of Σ|ΔDᵢ|, a drop one of the \
            loss's descent; they coincide within 50 steps, and chance shifts the drops in time; \
            the training with most of them is drawn. Initial weights are 0.01, \
            where levels stand apart in time; with the usual ones (0.47) all six features move at once. Then three pairs \
            of features that are always active together, from the usual weights and so sparse (0.05) that pairs do not \
            collapse into one direction each: they end in an octahedron, in which each pair is orthogonal.
            """
    ) { lab in
        let every = 25
        func configurations(_ dependence: FeatureDistribution.Dependence, density: Float, scale: Float?)
            -> [ToyConfiguration]
        {
            lab.seeds(8).map { seed in
                var features = FeatureDistribution(count: 6, density: [density])
                features.dependence = dependence
                var configuration = ToyConfiguration(features, hidden: 3)
                configuration.steps = 3000
                configuration.initialScale = scale
                configuration.seed = seed
                return configuration
            }
        }
        let steps = Array(stride(from: every, through: 3000, by: every))
        let free = try lab.train(configurations(.independent, density: 0.1, scale: 0.01), snapshotSteps: steps)
        let paired = try lab.train(
            configurations(.correlated(size: 2), density: 0.05, scale: nil), snapshotSteps: steps)
        let runs = free.map(\.records)
        let dynamics = runs.map { LearningDynamics($0, window: 2) }
        let coincident = dynamics.map { Double($0.coincident.count) }
        let byChance = dynamics.map(\.coincidentByChance)
        let best = paired.min { $0.loss < $1.loss }!
        let geometry = FeatureGeometry(best.model.embeddings)
        let shape = Arrangement(geometry).polytope?.name ?? "none"
        let within = stride(from: 0, to: 6, by: 2).map { geometry.cosine($0, $0 + 1) }
        let shown = dynamics.indices.max { coincident[$0] < coincident[$1] }!
        func figures(_ title: String, _ records: [LearningDynamics.Record]) -> [ReportSection.Part] {
            [
                Chart.lines(
                    "\(title): loss", x: .init("step"), y: .init("loss"),
                    [.init(name: "loss", points: records.map { (Double($0.step), $0.loss) })]),
                Chart.lines(
                    "\(title): shares", x: .init("step"), y: .init("Dᵢ", domain: 0...1),
                    (0..<6).map { i in
                        .init(name: "feature \(i + 1)", points: records.map { (Double($0.step), $0.dimensionality[i]) })
                    }),
            ]
        }
        return Findings(
            claims: [
                Claim(
                    "jumps of features that coincide with a drop of the loss", published: "they coincide",
                    spread: coincident, criterion: "at least 1 in the median of 8 trainings", holds: { $0 >= 1 }),
                Claim(
                    "more of them than by chance",
                    got:
                        "\(Claim.text(coincident.reduce(0, +), 3)) against \(Claim.text(byChance.reduce(0, +), 2)) in 8 trainings",
                    values: zip(coincident, byChance).map { $0 - $1 }, criterion: "at least twice as many",
                    holds: coincident.reduce(0, +) >= 2 * byChance.reduce(0, +) && coincident.reduce(0, +) > 0),
                Claim(
                    "three correlated pairs end as an octahedron", published: "octahedron", got: shape,
                    values: geometry.dimensionality, criterion: "the best of 8 is recognised as one",
                    holds: shape == "octahedron"),
                Claim(
                    "cosine within a correlated pair", published: "orthogonal", spread: within,
                    criterion: "below 0.1 in size", holds: { _ in within.allSatisfy { abs($0) < 0.1 } }),
            ],
            parts: figures("Independent features", runs[shown])
                + figures("Correlated pairs", best.records)
                + [Chart.solid("Correlated pairs at the end", embeddings: DoubleMatrix(best.model.embeddings))])
    }
}

extension TrainedToy {
    /// The losses are measured on the same samples each time, so that chance in the batches makes no drop.
    fileprivate var records: [LearningDynamics.Record] {
        let samples = model.configuration.features.samples(8192, seed: 0, stream: "dynamics")
        return trajectory.map {
            .init(
                step: $0.step, loss: $0.model.loss(on: samples),
                dimensionality: FeatureGeometry($0.model.embeddings).dimensionality)
        }
    }
}
