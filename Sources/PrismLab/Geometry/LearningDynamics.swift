/// When features change their share of a dimension during training, and when the loss drops (Elhage et al. 2022, "Discrete
/// energy level jumps").
///
/// Between two records, activity is Σᵢ |ΔDᵢ| for the features and −Δloss for the loss. A jump (a drop) is the peak of a run
/// of intervals whose activity exceeds five times the median. A jump coincides if a drop is at most `window` intervals away.
/// Chance is measured on the same run: the drops are shifted around in time, by every number of intervals in turn.
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
    public init(_ trajectory: [Record], window: Int = 1) {
        let pairs = Array(zip(trajectory, trajectory.dropFirst()))
        let jumps = Self.peaks(
            pairs.map { zip($0.dimensionality, $1.dimensionality).reduce(0) { $0 + abs($1.1 - $1.0) } })
        let drops = Self.peaks(pairs.map { $0.loss - $1.loss })
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

    /// For each run of values above five times the median, the place of its largest.
    private static func peaks(_ activity: [Double]) -> [Int] {
        guard !activity.isEmpty else { return [] }
        let limit = 5 * activity.map(abs).sorted()[activity.count / 2]
        var peaks: [Int] = []
        for (i, value) in activity.enumerated() where value > limit {
            if let last = peaks.last, activity[last...i].allSatisfy({ $0 > limit }) {
                if value > activity[last] { peaks[peaks.count - 1] = i }
            } else {
                peaks.append(i)
            }
        }
        return peaks
    }
}
