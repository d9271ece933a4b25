import Testing

@testable import PrismLab

@Suite struct LearningDynamicsTests {
    /// 100 records that drift slowly, with two jumps of Dᵢ and two drops of the loss, of which one of each are together.
    @Test func plantedJumpsAreFound() {
        let trajectory = (0..<100).map { i in
            let drift = 0.001 * Double(i)
            let loss: Double = i < 30 ? 3 : i < 80 ? 2 : 1
            let dimensionality: [Double] = [drift, i >= 31 ? 0.5 : 0, i >= 55 ? 0.75 : 0.5]
            return LearningDynamics.Record(step: 10 * i, loss: loss - drift, dimensionality: dimensionality)
        }
        let dynamics = LearningDynamics(trajectory, window: 1)
        #expect(dynamics.jumps == [310, 550])
        #expect(dynamics.drops == [300, 800])
        #expect(dynamics.coincident == [310])
        // Each of 99 shifts covers three intervals around each drop: 4 pairs of jump and drop, 3 in 99 each.
        #expect(abs(dynamics.coincidentByChance - 12 / 99.0) < 1e-12)
        #expect(dynamics.pValue > 0.05 && dynamics.pValue < 0.15)
    }

    @Test func aSteadyRunHasNoEvents() {
        let steady = (0..<50).map {
            LearningDynamics.Record(step: $0, loss: 1 - 0.01 * Double($0), dimensionality: [0.01 * Double($0)])
        }
        #expect(LearningDynamics(steady, window: 1).jumps.isEmpty)
        #expect(LearningDynamics(steady, window: 1).drops.isEmpty)
        #expect(LearningDynamics([], window: 1).coincidentByChance == 0)
    }
}
