import Foundation
import PrismTensor

/// How the units that a sparse probe may look at are chosen (Gurnee et al. 2023).
public enum UnitRanking: String, Codable, CaseIterable, Sendable {
    /// |mean inside − mean outside|.
    case meanDifference
    /// Variance between the two kinds over that within: (n − 2) n₁n₀/n · Δ² / Σ (r − its mean)².
    case fStatistic
    /// I(r in 16 intervals; label) in nats, the intervals equally full over the rows with a response, and one for none.
    case mutualInformation
    /// |w| of a logistic probe with an L1 penalty on all units together, the penalty lowered until as many as are wanted are
    /// other than zero.
    case lasso
    /// |w| of logistic probes on ever fewer units: from the 256 with the largest mean difference half of the rest are left
    /// out in each round.
    case adaptiveThresholding
    /// The k units whose least-squares probe leaves the smallest error, of the 50 with the largest F: certain, by branch and
    /// bound. For k up to 8.
    case optimal

    public var label: String {
        switch self {
        case .meanDifference: "mean difference"
        case .fStatistic: "F-statistic"
        case .mutualInformation: "mutual information"
        case .lasso: "L1"
        case .adaptiveThresholding: "adaptive thresholding"
        case .optimal: "optimal"
        }
    }

    /// Units that `optimal` chooses among, and how many it chooses at most.
    static let (optimalFilter, optimalLimit) = (50, 8)

    /// The k best units, best first; for `optimal` those of the best set of k.
    func units(_ k: Int, in data: ProbeData) -> [Int] {
        switch self {
        case .meanDifference: return Self.largest(k, Self.meanDifferences(data))
        case .fStatistic: return Self.largest(k, Self.fStatistics(data))
        case .mutualInformation: return Self.largest(k, Self.informations(data))
        case .lasso: return LassoPath(data).units(k)
        case .adaptiveThresholding: return Self.thresholded(k, data)
        case .optimal: return Self.best(k, in: data).units
        }
    }

    /// The units of the best set of k, and whether the search for a better one came to its end.
    static func best(_ k: Int, in data: ProbeData) -> (units: [Int], isCertain: Bool) {
        let candidates = largest(optimalFilter, fStatistics(data))
        let search = SubsetSearch(
            data.matrix(data.train, units: candidates), labels: data.labels(data.train),
            size: min(k, optimalLimit, candidates.count))
        return (search.best.map { candidates[$0] }, search.isCertain)
    }

    private static func largest(_ k: Int, _ values: [Double]) -> [Int] {
        Array(values.indices.sorted { (values[$0], $1) > (values[$1], $0) }.prefix(k).filter { values[$0] > 0 })
    }

    private static func meanDifferences(_ data: ProbeData) -> [Double] {
        (0..<data.units).map { abs(data.inside.mean($0) - data.outside.mean($0)) }
    }

    static func fStatistics(_ data: ProbeData) -> [Double] {
        let (inside, outside) = (data.inside, data.outside)
        let count = inside.count + outside.count
        return (0..<data.units).map { unit in
            let difference = inside.mean(unit) - outside.mean(unit)
            let within = inside.scatter(unit) + outside.scatter(unit)
            let between = inside.count * outside.count / count * difference * difference
            // A unit that is constant in both kinds, and differs, tells them apart for certain.
            return within > 0 ? (count - 2) * between / within : between > 0 ? .infinity : 0
        }
    }

    static func informations(_ data: ProbeData) -> [Double] {
        let (total, kinds) = (Double(data.train.count), data.rows.kinds)
        let inside = Double(kinds.count { $0 == 1 })
        return (0..<data.units).map { unit in
            var responses: [(value: Float, isInside: Bool)] = []
            data.responses.withColumn(unit) { rows, values in
                for (row, value) in zip(rows, values) where kinds[Int(row)] >= 0 {
                    responses.append((value, kinds[Int(row)] == 1))
                }
            }
            guard !responses.isEmpty else { return 0 }
            let sorted = responses.sorted { $0.value < $1.value }
            var cells = (0..<16).map { bin in
                let part = sorted[sorted.count * bin / 16..<sorted.count * (bin + 1) / 16]
                return (count: Double(part.count), inside: Double(part.count { $0.isInside }))
            }
            let fired = cells.reduce((0.0, 0.0)) { ($0.0 + $1.count, $0.1 + $1.inside) }
            cells.append((total - fired.0, inside - fired.1))
            func term(_ joint: Double, _ cell: Double, _ label: Double) -> Double {
                joint > 0 ? joint / total * log(joint * total / (cell * label)) : 0
            }
            return cells.reduce(0) {
                $0 + term($1.inside, $1.count, inside) + term($1.count - $1.inside, $1.count, total - inside)
            }
        }
    }

    private static func thresholded(_ k: Int, _ data: ProbeData) -> [Int] {
        var units = largest(max(k, 256), meanDifferences(data))
        let labels = data.labels(data.train)
        while true {
            // Responses in units of their deviation, so that weights compare.
            let matrix = data.matrix(data.train, units: units)
            let weights = LogisticProbe(matrix.standardised, labels: labels).weights
            let order = units.indices.sorted { (abs(weights[$0]), $1) > (abs(weights[$1]), $0) }
            guard units.count > k else { return order.map { units[$0] } }
            let keep = max(k, units.count / 2)
            units = order.prefix(keep).map { units[$0] }
        }
    }
}

extension DoubleMatrix {
    /// Each column without its mean, over its deviation; a constant column becomes zeros.
    var standardised: DoubleMatrix {
        var result = self
        for c in 0..<columnCount {
            let mean = (0..<rowCount).reduce(0.0) { $0 + self[$1, c] } / Double(max(1, rowCount))
            let variance = (0..<rowCount).reduce(0.0) { $0 + (self[$1, c] - mean) * (self[$1, c] - mean) }
            let scale = variance > 0 ? (Double(rowCount) / variance).squareRoot() : 0
            for t in 0..<rowCount { result[t, c] = (self[t, c] - mean) * scale }
        }
        return result
    }
}
