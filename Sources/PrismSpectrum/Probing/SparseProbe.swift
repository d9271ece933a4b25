import PrismTensor

/// How well a few units tell a concept: logistic regression on the k units that a ranking puts first (Gurnee et al. 2023;
/// SAEBench), trained on balanced rows and tested on rows of other contexts.
public struct SparseProbe: Codable, Hashable, Sendable {
    public let concept: Int
    public let ranking: UnitRanking
    /// k of each trial, the units, best first, and what the probe on them reaches on the test rows.
    public let trials: [Trial]

    public struct Trial: Codable, Hashable, Sendable {
        public let k: Int
        public let units: [Int]
        public let quality: ProbeQuality
        /// Of the optimal set, whether the search came to its end; nil of other rankings.
        public let isCertain: Bool?
    }

    /// The k that are tried, SAEBench's and Gurnee's.
    public static let sizes = [1, 2, 5, 10, 20]

    init(_ data: ProbeData, concept: Int, ranking: UnitRanking = .meanDifference, sizes: [Int] = sizes) {
        self.concept = concept
        self.ranking = ranking
        let ordered = ranking == .optimal ? [] : ranking.units(sizes.max() ?? 0, in: data)
        trials = sizes.filter { ranking != .optimal || $0 <= UnitRanking.optimalLimit }.map { k in
            let (units, isCertain) =
                ranking == .optimal ? UnitRanking.best(k, in: data) : (Array(ordered.prefix(k)), nil as Bool?)
            return Trial(k: k, units: units, quality: data.probe(units), isCertain: isCertain)
        }
    }
}

extension ProbeData {
    /// The quality on the test rows of a probe that sees these units.
    func probe(_ units: [Int]) -> ProbeQuality {
        let probe = LogisticProbe(matrix(train, units: units), labels: labels(train))
        return probe.quality(matrix(test, units: units), labels: labels(test))
    }
}

/// The feature monosemanticity score of a concept (Härle et al. 2025): how far one unit alone tells it, how much worse things
/// get without that unit, and how little others add.
///
///     FMS = acc₁ · (local + global) / 2
///     local = 2 (acc₁ − acc without it)          global = 1 − Σ_{k=2…n} (acc_k − acc₁) / n
///
/// acc_k: accuracy of a probe on the k units of the largest mean difference, n = `depth`; without it: of the one that comes
/// next. Accuracies of balanced rows, so that ½ is chance.
public struct MonosemanticityScore: Codable, Hashable, Sendable {
    public let concept: Int
    public let unit: Int
    public let accuracy, local, global: Double

    public var value: Double { accuracy * (local + global) / 2 }

    /// n.
    public static let depth = 5

    /// Nil where no unit tells the kinds apart at all.
    init?(_ data: ProbeData, concept: Int) {
        let units = UnitRanking.meanDifference.units(Self.depth, in: data)
        guard let first = units.first else { return nil }
        self.concept = concept
        unit = first
        let accuracies = units.indices.map { data.probe(Array(units.prefix($0 + 1))).accuracy }
        accuracy = accuracies[0]
        local = 2 * (accuracies[0] - (units.count > 1 ? data.probe([units[1]]).accuracy : 0.5))
        let gain = accuracies.reduce(0) { $0 + max(0, $1 - accuracies[0]) }
        global = 1 - gain / Double(Self.depth)
    }
}
