import Foundation
import PrismTensor

/// Logistic probes with an L1 penalty, from one so strong that all weights are zero downwards.
///
///     min_{w, b}  1/n Σ_t log(1 + exp(−s_t (w·x_t + b))) + λ Σ |wᵢ|
///
/// on standardised responses of the `filter` units with the largest F, by proximal gradient steps with momentum (Beck and
/// Teboulle 2009).
struct LassoPath {
    private let candidates: [Int]
    private let x: DoubleMatrix
    private let labels: [Bool]

    static let filter = 256
    private static let (steps, factor, iterations) = (24, 0.75, 200)

    init(_ data: ProbeData) {
        candidates = UnitRanking.fStatistic.units(Self.filter, in: data)
        x = data.matrix(data.train, units: candidates).standardised
        labels = data.labels(data.train)
    }

    /// The first k units to have a weight, those of the largest weight first.
    /// - isPositive: only units that speak for the inside.
    func units(_ k: Int, isPositive: Bool = false) -> [Int] {
        guard !candidates.isEmpty else { return [] }
        func isWanted(_ weight: Double) -> Bool { isPositive ? weight > 0 : weight != 0 }
        // Of balanced labels the gradient at zero is ½ of the correlation.
        var weights = [Double](repeating: 0, count: candidates.count)
        var intercept = 0.0
        var penalty = gradient(weights, intercept).weights.map(abs).max() ?? 0
        let lipschitz = x.times(x, transposingSelf: true).largestEigenvalue() / Double(4 * labels.count)
        for _ in 0..<Self.steps {
            penalty *= Self.factor
            (weights, intercept) = solve(penalty, from: weights, intercept, step: 1 / max(lipschitz, 0.25))
            if weights.count(where: isWanted) >= k { break }
        }
        let order = weights.indices.filter { isWanted(weights[$0]) }
            .sorted { (abs(weights[$0]), $1) > (abs(weights[$1]), $0) }
        return order.prefix(k).map { candidates[$0] }
    }

    private func solve(
        _ penalty: Double, from start: [Double], _ startIntercept: Double, step: Double
    ) -> ([Double], Double) {
        var (weights, intercept, momentum) = (start, startIntercept, 1.0)
        var (ahead, aheadIntercept) = (start, startIntercept)
        for _ in 0..<Self.iterations {
            let slope = gradient(ahead, aheadIntercept)
            let next = zip(ahead, slope.weights).map { weight, slope in
                let moved = weight - step * slope
                return moved > 0 ? max(0, moved - step * penalty) : min(0, moved + step * penalty)
            }
            let nextIntercept = aheadIntercept - step * slope.intercept
            let nextMomentum = (1 + (1 + 4 * momentum * momentum).squareRoot()) / 2
            let factor = (momentum - 1) / nextMomentum
            ahead = zip(next, weights).map { $0 + factor * ($0 - $1) }
            aheadIntercept = nextIntercept + factor * (nextIntercept - intercept)
            (weights, intercept, momentum) = (next, nextIntercept, nextMomentum)
        }
        return (weights, intercept)
    }

    private func gradient(_ weights: [Double], _ intercept: Double) -> (weights: [Double], intercept: Double) {
        var column = DoubleMatrix(weights.count, 1)
        column.values = weights
        var slopes = x.times(column)
        for t in labels.indices {
            slopes[t, 0] = (1 / (1 + exp(-slopes[t, 0] - intercept)) - (labels[t] ? 1 : 0)) / Double(labels.count)
        }
        return (x.times(slopes, transposingSelf: true).values, slopes.values.reduce(0, +))
    }
}
