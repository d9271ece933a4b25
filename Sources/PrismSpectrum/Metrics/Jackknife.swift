import PrismMetrics

/// Intervals from groups of contexts, each left out once (Quenouille 1956, Tukey 1958): what of a unit is summed once per
/// group needs no second pass, as the bootstrap would.
///
///     se² = (G − 1)/G Σ_g (θ₋g − θ̄)²,   interval: θ ± t se,   t: Student's quantile at 97.5% with G − 1 degrees of freedom
enum Jackknife {
    /// G.
    static let groups = 10
    private static let quantile = 2.262

    /// - all: the statistic on everything. without: the same without each group.
    static func estimate(_ all: Double, without: [Double]) -> Estimate {
        let half = quantile * standardError(without)
        return Estimate(value: all, low: all - half, high: all + half)
    }

    static func standardError(_ without: [Double]) -> Double {
        let count = Double(without.count)
        let mean = without.reduce(0, +) / count
        return (without.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } * (count - 1) / count).squareRoot()
    }
}
