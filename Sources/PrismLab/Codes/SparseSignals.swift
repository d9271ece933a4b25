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
