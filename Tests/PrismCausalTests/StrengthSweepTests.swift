import Foundation
import PrismCausal
import PrismCore
import PrismModels
import PrismTensor
import Testing

/// A sweep against whole passes with an intervention written by hand.
@Suite struct StrengthSweepTests {
    let model = Fixture.model()
    let prompt: [Int32] = [5, 9, 33, 2]

    private func sweep(_ strengths: [Float], at positions: Edit.Positions = .all) throws -> StrengthSweep {
        try StrengthSweep(
            prompt, strengths: strengths, { [Edit(.neurons([7], layer: 1), .add($0), at: positions)] }, model,
            Fixture.tokenizer(), EditPlan.Surroundings(), count: 8)
    }

    @Test func rowsAreThoseOfWholePasses() throws {
        let strengths: [Float] = [0, 3, -30]
        let found = try sweep(strengths)
        #expect(found.rows.map(\.strength) == strengths && found.rows[0].effect == 0)
        #expect(Set(found.rows.map(\.continuation)).count > 1)
        for row in found.rows {
            let byHand = Intervention(at: .neurons(layer: 1)) { x, _ in
                for position in 0..<x.rowCount { x[position][7] += row.strength }
            }
            let written = try Fixture.continuation(of: prompt, count: 8, model, row.strength == 0 ? [] : [byHand])
            #expect(row.continuation == (try Fixture.tokenizer().decode(written)))
            let logits = try [[], [byHand]].map { try model.logits(prompt + written, interventions: $0) }
            var (effect, loss) = (0.0, 0.0)
            for (place, token) in zip(prompt.count - 1..<prompt.count + 7, written) {
                let (p, q) = (Fixture.logProbabilities(logits[0], place), Fixture.logProbabilities(logits[1], place))
                effect += Fixture.divergence(p, q) / 8
                loss -= p[Int(token)] / 8
            }
            // Logits of fp32 around one, of which KL keeps differences of some 1e-6.
            #expect(abs(row.effect - effect) < 2e-6 + 1e-6 * effect)
            #expect(abs(row.loss - loss) < 2e-6)
            #expect(row.distinct == Double(Set(written).count) / 8)
        }
    }

    @Test func refusesWhatChangesNothing() {
        let error = #expect(throws: PrismError.self) { try sweep([0, 2], at: .numbers([50...60])) }
        #expect(error == .usage("the edit of neurons 7 of layer 1 selects no position of the prompt"))
        #expect(throws: PrismError.self) { try sweep([0, .nan]) }
    }
}
