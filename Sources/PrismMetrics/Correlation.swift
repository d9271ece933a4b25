/// How far two lists of numbers agree.
package enum Correlation {
    /// Pearson's r, summed in double precision; nil of fewer than three pairs, and where one list is constant.
    package static func pearson<T: BinaryFloatingPoint>(_ x: [T], _ y: [T]) -> Double? {
        guard x.count > 2 else { return nil }
        func mean(_ values: [T]) -> Double { values.reduce(0) { $0 + Double($1) } / Double(values.count) }
        let (meanX, meanY) = (mean(x), mean(y))
        func sum(_ f: (Double, Double) -> Double) -> Double {
            zip(x, y).reduce(0) { $0 + f(Double($1.0) - meanX, Double($1.1) - meanY) }
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
