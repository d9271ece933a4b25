import PrismTensor

extension PhaseOracle {
    /// The model that the oracle speaks of, to be trained.
    public static func configuration(importance: Double, density: Double, hidden: Int, seed: UInt64) -> ToyConfiguration
    {
        var configuration = ToyConfiguration(
            FeatureDistribution(count: hidden + 1, density: [Float(density)]), hidden: hidden)
        configuration.importance = [Float](repeating: 1, count: hidden) + [Float(importance)]
        configuration.steps = 5000
        configuration.seed = seed
        return configuration
    }

    /// For each configuration the one of least exact loss of eight trainings. A sample's loss would pick by chance where
    /// features are rare; and two features that begin on one side seldom become antipodal, in four trainings of four once in
    /// sixteen.
    public static func best(of configurations: [ToyConfiguration], in lab: Lab) throws -> [(
        model: ToyModel, loss: Double
    )] {
        let all = try lab.train(
            configurations.enumerated().flatMap { number, configuration in
                (0..<8).map { attempt in
                    var copy = configuration
                    copy.seed = configuration.seed.repetition(8 * number + attempt)
                    return copy
                }
            }
        ).map { (model: $0.model, loss: $0.model.exactLoss) }
        return configurations.indices.map { i in all[8 * i..<8 * i + 8].min { $0.loss < $1.loss }! }
    }
}

extension PhaseOracle.Phase {
    /// The phase that a trained model is in, or nil where it is none of these. A feature is dropped if its embedding is at
    /// most ½ long; two are antipodal if their cosine is below −½.
    /// - embeddings: [m + 1, m], the extra feature's last.
    public init?(of embeddings: Tensor) {
        let geometry = FeatureGeometry(embeddings)
        let (extra, represented) = (geometry.featureCount - 1, geometry.represented)
        func isAntipodal(_ i: Int, _ j: Int) -> Bool {
            geometry.cosine(i, j) < -0.5
        }
        if !represented.contains(extra) {
            self = .extraDropped
        } else if represented.count < geometry.featureCount {
            self = .otherDropped
        } else if (0..<extra).contains(where: { isAntipodal($0, extra) }) {
            self = .extraAntipodal
        } else if (0..<extra).contains(where: { i in (0..<i).contains { isAntipodal(i, $0) } }) {
            self = .othersAntipodal
        } else {
            return nil
        }
    }
}
