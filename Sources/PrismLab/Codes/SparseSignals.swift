import PrismCore
import PrismTensor

/// Codes to be found again: k features, evenly drawn, are active with an activity in (0, 1], of either sign if `signed`.
package struct SparseSignals: Sendable {
    /// z, [signals, features].
    package let z: DoubleMatrix
    /// k.
    package let active: Int

    package init(_ count: Int, features: Int, active: Int, signed: Bool, _ generator: inout SeededGenerator) {
        var z = DoubleMatrix(count, features)
        var order = Array(0..<features)
        for t in 0..<count {
            for place in 0..<active {
                // The first k places of a shuffle.
                order.swapAt(place, Int.random(in: place..<features, using: &generator))
                let activity = 1 - Double(generator.uniform())
                z[t, order[place]] = signed && generator.uniform() < 0.5 ? -activity : activity
            }
        }
        self.z = z
        self.active = active
    }

    /// h = Wᵀz, [signals, hidden].
    package func written(with code: Code) -> DoubleMatrix { z.times(code.vectors) }
}

extension SparseSignals {
    /// ‖z − ẑ‖² / ‖z‖² over all signals: 0 for the true codes, 1 for an answer of zero. - found: ẑ, [signals, features].
    package func error(of found: DoubleMatrix) -> Double {
        let squares = zip(z.values, found.values).map { ($0 - $1) * ($0 - $1) }
        return squares.reduce(0, +) / z.values.reduce(0) { $0 + $1 * $1 }
    }

    /// The share of signals whose k active features are the k largest of ẑ, so that no threshold has to be chosen.
    package func supportsFound(in found: DoubleMatrix) -> Double {
        let count = (0..<z.rowCount).count { t in
            let (truth, guess) = (Array(z.row(t)), Array(found.row(t)))
            let least = truth.indices.filter { truth[$0] != 0 }.map { abs(guess[$0]) }.min() ?? 0
            return least > 0 && truth.indices.allSatisfy { truth[$0] != 0 || abs(guess[$0]) < least }
        }
        return Double(count) / Double(z.rowCount)
    }
}
