import Testing

@testable import PrismLab

struct RandomANDCircuitTests {
    /// Inputs on axes and so many neurons that all see: with two active inputs y is 1 for their pair by construction.
    @Test func isExactWhereOnlyThePairIsActive() {
        let circuit = RandomANDCircuit(inputs: 10, width: 400, sharing: 40, isSuperposed: false, seed: 1)
        let y = circuit.outputs(active: [2, 7], pairs: [(2, 7), (2, 3), (4, 5)])
        #expect(y[0] == 1)
        // A third of the neurons see each input: pairs with one active fire through the other in about that share (±0.15, of
        // 40 neurons two standard deviations), pairs with none in a tenth.
        #expect(abs(y[1] - 0.316) < 0.15 && abs(y[2] - 0.1) < 0.1)
    }

    @Test func theTestTellsRightFromWrong() {
        let right = ANDTest.worstError(inputs: 12, trials: 20, seed: 0) { active, pairs in
            pairs.map { active.contains($0) && active.contains($1) ? 1 : 0 }
        }
        let silent = ANDTest.worstError(inputs: 12, trials: 20, seed: 0) { _, pairs in pairs.map { _ in 0 } }
        let loud = ANDTest.worstError(inputs: 12, trials: 20, seed: 0) { active, pairs in
            pairs.map { active.contains($0) || active.contains($1) ? 1 : 0 }
        }
        #expect(right == 0 && silent == 1 && loud == 1)
    }
}
