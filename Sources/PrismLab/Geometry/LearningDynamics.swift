/// When features change their share of a dimension during training, and when the loss drops (Elhage et al. 2022, "Discrete
/// energy level jumps").
///
/// Between two records, activity is Σᵢ |ΔDᵢ| for the features and −Δloss for the loss. A jump (a drop) is a burst: a peak of
/// activity, at least a fifth of the highest, on both sides of which activity falls to less than half of it before it
/// rises above it. A jump coincides if a drop is at most `window` intervals away. Chance is measured on the same run: the
/// drops are shifted around in time, by every number of intervals in turn.
public struct LearningDynamics: Sendable {
    public struct Record: Sendable {
        public var step: Int
        public var loss: Double
        /// Dᵢ of each feature.
        public var dimensionality: [Double]

        public init(step: Int, loss: Double, dimensionality: [Double]) {
            self.step = step
            self.loss = loss
            self.dimensionality = dimensionality
        }
    }

    /// Steps at which features jump, and at which the loss drops.
    public let jumps, drops: [Int]
    /// Steps of those jumps that coincide with a drop.
    public let coincident: [Int]
    /// How many would coincide if the drops were anywhere.
    public let coincidentByChance: Double
    /// The share of shifts under which at least as many coincide.
    public let pValue: Double

    /// - trajectory: records at equal intervals of training.
    public init(_ trajectory: [Record], window: Int) {
        let pairs = Array(zip(trajectory, trajectory.dropFirst()))
        let jumps = Self.bursts(
            pairs.map { zip($0.dimensionality, $1.dimensionality).reduce(0) { $0 + abs($1.1 - $1.0) } })
        let drops = Self.bursts(pairs.map { $0.loss - $1.loss })
        func coincidences(shift: Int) -> [Int] {
            jumps.filter { jump in
                drops.contains { drop in
                    let distance = abs(jump - (drop + shift) % pairs.count)
                    return min(distance, pairs.count - distance) <= window
                }
            }
        }
        let found = coincidences(shift: 0)
        let shifted = (0..<pairs.count).map { coincidences(shift: $0).count }
        func steps(_ intervals: [Int]) -> [Int] { intervals.map { trajectory[$0 + 1].step } }
        self.jumps = steps(jumps)
        self.drops = steps(drops)
        coincident = steps(found)
        coincidentByChance = shifted.isEmpty ? 0 : Double(shifted.reduce(0, +)) / Double(shifted.count)
        pValue = shifted.isEmpty ? 1 : Double(shifted.count { $0 >= found.count }) / Double(shifted.count)
    }

    private static func bursts(_ activity: [Double]) -> [Int] {
        let floor = 0.2 * (activity.max() ?? 0)
        return activity.indices.filter { i in
            let value = activity[i]
            guard value > 0, value >= floor else { return false }
            // The least activity before one at least as high; at the ends of the record there is no such side.
            func falls(_ side: some Sequence<Double>) -> Bool? {
                var least: Double?
                for other in side {
                    if other >= value { return (least ?? value) < value / 2 }
                    least = min(least ?? other, other)
                }
                return least.map { $0 < value / 2 }
            }
            let sides = [falls(activity[..<i].reversed()), falls(activity[(i + 1)...])].compactMap { $0 }
            return !sides.isEmpty && sides.allSatisfy { $0 }
        }
    }
}
