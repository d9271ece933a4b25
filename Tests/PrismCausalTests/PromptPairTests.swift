import Foundation
import PrismCore
import PrismModels
import PrismTensor
import PrismTestSupport
import Testing

@testable import PrismCausal

@Suite struct PromptPairTests {
    @Test func refusesWhatIsNoPair() {
        func refused(_ clean: [Int32], _ corrupt: [Int32], _ answers: [Int32], _ foils: [Int32]) {
            #expect(throws: PrismError.self) {
                try PromptPair(clean: clean, corrupt: corrupt, answers: answers, foils: foils)
            }
        }
        refused([1, 2], [1, 2, 3], [4], [5])
        refused([1, 2], [1, 2], [4], [5])
        refused([1, 2], [1, 3], [], [5])
        refused([1, 2], [1, 3], [4, 5], [5])
    }

    @Test func namesPositionsByTheNearestLabelBefore() throws {
        let pair = try PromptPair(
            clean: [1, 2, 3, 4, 5], corrupt: [1, 2, 6, 4, 5], answers: [7], foils: [8], labels: ["A": 1, "B": 2])
        #expect((0..<5).map(pair.name) == ["0", "A", "B", "B+1", "end"])
        #expect(pair.firstDifference == 2)
    }

    /// Against the definition on the model's logits, and its derivative against finite differences of them.
    @Test func logOddsAreTheDefinition() throws {
        let model = Fixture.model()
        let pairs = [
            try PromptPair(clean: [1, 2, 3], corrupt: [1, 4, 3], answers: [5, 6], foils: [7, 8, 9]),
            try PromptPair(clean: [3, 2], corrupt: [1, 2], answers: [10], foils: [11]),
        ]
        func m(_ logits: [Float], _ pair: PromptPair) -> Double {
            func sum(_ tokens: [Int32]) -> Double { tokens.reduce(0) { $0 + exp(Double(logits[Int($1)])) } }
            return log(sum(pair.answers)) - log(sum(pair.foils))
        }
        func found(_ perturbed: [Float]? = nil) throws -> (Gradients, Tensor) {
            let shift = Intervention(
                at: .finalNorm,
                apply: { x, contexts in
                    guard let perturbed, let row = contexts[0].row(ofPosition: 2) else { return }
                    for c in 0..<x.rowWidth { x[row][c] += perturbed[c] }
                }, pullback: { _, _, _ in })
            let pass = ForwardRequest(
                contexts: pairs.map(\.clean), capture: [.finalNorm], interventions: [shift])
            let gradients = try model.gradients(
                GradientRequest(pass, objective: .logOdds(pairs), hooks: [.finalNorm]))
            return (gradients, gradients.activations[.finalNorm])
        }
        let (gradients, normed) = try found()
        let logits = Tensor(5, model.configuration.vocabularySize)
        model.logits(normed, into: logits)
        for (pair, row, value) in zip(zip(pairs, [2, 4]), gradients.values).map({ ($0.0, $0.1, $1) }) {
            let own = logits.rows(row..<row + 1).values
            // Sums of floats in another order.
            #expect(abs(value - m(own, pair)) < 1e-6)
        }
        let slope = gradients.hooks[.finalNorm]
        for c in [0, 7, 31] {
            let step = (0..<32).map { $0 == c ? Float(0.01) : 0 }
            let (up, down) = (try found(step).0.values[0], try found(step.map(-)).0.values[0])
            // Second order of the difference quotient and the rounding of fp32 logits.
            #expect(abs((up - down) / 0.02 - Double(slope[2][c])) < 1e-4)
        }
    }
}
