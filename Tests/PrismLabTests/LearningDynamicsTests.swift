import Testing

@testable import PrismLab

@Suite struct LearningDynamicsTests {
    /// 100 records that drift slowly, with two jumps of Dᵢ and two drops of the loss, of which one of each are together.
    @Test func plantedJumpsAreFound() {
        let trajectory = (0..<100).map { i in
            LearningDynamics.Record(
                step: 10 * i, loss: 3 - 0.001 * Double(i) - (i >= 30 ? 1 : 0) - (i >= 80 ? 0.5 : 0),
                dimensionality: [0.001 * Double(i), i >= 31 ? 0.5 : 0, i >= 55 ? 0.75 : 0.5])
        }
        let dynamics = LearningDynamics(trajectory)
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
        #expect(LearningDynamics(steady).jumps.isEmpty)
        #expect(LearningDynamics(steady).drops.isEmpty)
        #expect(LearningDynamics([]).coincidentByChance == 0)
    }
}
