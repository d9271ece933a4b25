/// How far two lists of numbers agree.
package enum Correlation {
    /// Pearson's r; nil of fewer than three pairs, and where one list is constant.
    package static func pearson(_ x: [Double], _ y: [Double]) -> Double? {
        guard x.count > 2 else { return nil }
        let (meanX, meanY) = (x.reduce(0, +) / Double(x.count), y.reduce(0, +) / Double(y.count))
        func sum(_ f: (Double, Double) -> Double) -> Double {
            zip(x, y).reduce(0) { $0 + f($1.0 - meanX, $1.1 - meanY) }
        }
        let r = sum { $0 * $1 } / (sum { a, _ in a * a } * sum { _, b in b * b }).squareRoot()
        return r.isFinite ? r : nil
    }

    /// Spearman's ρ: Pearson's r of ranks, equal numbers sharing the mean of theirs.
    package static func spearman(_ x: [Double], _ y: [Double]) -> Double? { pearson(ranks(x), ranks(y)) }

    private static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var first = 0
        while first < order.count {
            let ties = order[first...].prefix { values[$0] == values[order[first]] }
            for i in ties { ranks[i] = Double(first) + Double(ties.count - 1) / 2 }
            first += ties.count
        }
        return ranks
    }
}
