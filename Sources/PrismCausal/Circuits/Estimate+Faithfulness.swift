import PrismMetrics

extension Estimate {
    /// How much of a model's answer a circuit carries (Marks et al. 2024):
    ///
    ///     faithfulness of C = Σ (m(C) − m(∅)) / Σ (m(M) − m(∅)) over pairs
    ///
    /// m(C) is the log odds with all units but C taken away, m(∅) with all, m(M) with none. A ratio of sums, since a single
    /// pair's may be to nearly nothing. Below 0 and above 1 are possible: nodes also work against the answer.
    init(faithfulnessOf circuit: [Double], whole: [Double], empty: [Double]) {
        self = Bootstrap(contexts: whole.count).estimate { counts in
            func sum(_ values: [Double]) -> Double { zip(counts, values).reduce(0) { $0 + Double($1.0) * $1.1 } }
            return (sum(circuit) - sum(empty)) / (sum(whole) - sum(empty))
        }
    }
}
