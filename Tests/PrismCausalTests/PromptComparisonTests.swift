import Foundation
import PrismCausal
import PrismCore
import PrismModels
import PrismTensor
import Testing

/// What edits make of a prompt, against whole passes with an intervention written by hand.
@Suite struct PromptComparisonTests {
    let model = Fixture.model()
    let prompt: [Int32] = [5, 9, 33, 2, 60, 40, 71]

    private func compare(_ edits: [Edit], generate count: Int = 0, sampling: Sampling = .greedy) throws
        -> PromptComparison
    {
        var surroundings = EditPlan.Surroundings()
        surroundings.dictionaries = [Fixture.dictionary(at: .residualPost(layer: 1))]
        surroundings.seed = 4
        return try PromptComparison(
            prompt, edits, model, Fixture.tokenizer(), surroundings, generate: count, sampling: sampling)
    }

    @Test func theIdentityLeavesTheCleanRun() throws {
        let edits = [
            Edit(.latents([3, 60]), .add(0)), Edit(.heads([1], layer: 0), .multiply(1)),
            Edit(.neurons([7], layer: 2), .add(0), at: .generated),
        ]
        for sampling in [.greedy, Sampling(temperature: 2)] {
            let found = try compare(edits, generate: 12, sampling: sampling)
            #expect(found.positions.count == prompt.count)
            #expect(found.positions.allSatisfy { $0.divergence == 0 && $0.moved.isEmpty })
            #expect(found.changed == found.clean && !found.clean.isEmpty)
        }
    }

    @Test func positionsAreThoseOfWholePasses() throws {
        let tokenizer = try Fixture.tokenizer()
        let found = try compare([Edit(.neurons([7, 8], layer: 1), .add(4), at: .numbers([3...3]))], generate: 6)
        let byHand = Intervention(at: .neurons(layer: 1)) { x, contexts in
            for context in contexts {
                guard let row = context.row(ofPosition: 3) else { continue }
                for neuron in [7, 8] { x[row][neuron] += 4 }
            }
        }
        let logits = try [[], [byHand]].map { try model.logits(prompt, interventions: $0) }
        for (place, position) in found.positions.enumerated() {
            #expect(position.token == tokenizer.text(of: prompt[place]))
            let (p, q) = (Fixture.logProbabilities(logits[0], place), Fixture.logProbabilities(logits[1], place))
            // Logits of fp32 around one, of which KL keeps differences of some 1e-6.
            #expect(abs(position.divergence - Fixture.divergence(p, q)) < 2e-6)
            guard place >= 3 else {
                #expect(position.divergence == 0 && position.moved.isEmpty)
                continue
            }
            #expect(position.divergence > 1e-5)
            let shifts = p.indices.map { exp(q[$0]) - exp(p[$0]) }
            let most = p.indices.sorted { abs(shifts[$0]) > abs(shifts[$1]) }.prefix(5)
            #expect(position.moved.map(\.token) == most.map { tokenizer.text(of: Int32($0)) })
            for (shift, token) in zip(position.moved, most) {
                #expect(abs(shift.clean - exp(p[token])) < 1e-6 && abs(shift.changed - exp(q[token])) < 1e-6)
            }
        }
        for (text, interventions) in [(found.clean, []), (found.changed, [byHand])] {
            let tokens = try Fixture.continuation(of: prompt, count: 6, model, interventions)
            #expect(text == tokenizer.decode(tokens))
        }
        #expect(found.clean != found.changed)
    }

    @Test func refusesWhatChangesNothingOrTooMuch() throws {
        let nowhere = Edit(.neurons([7], layer: 1), .zero, at: .numbers([40...40]))
        let error = #expect(throws: PrismError.self) { try compare([Edit(.latents([3]), .zero), nowhere]) }
        #expect(error == .usage("the edit of neurons 7 of layer 1 selects no position of the prompt"))
        for number in [Float.nan, .infinity] {
            let error = #expect(throws: PrismError.self) { try compare([Edit(.latents([3]), .set(number))]) }
            #expect(error?.kind == .usage && error?.message.contains("finite numbers") == true)
        }
        let huge = Edit(.direction([1] + [Float](repeating: 0, count: 31), at: .embedding), .add(3e38))
        let overflow = #expect(throws: PrismError.self) { try compare([huge, huge]) }
        #expect(overflow?.kind == .runFailed && overflow?.message.contains("position 0") == true)
    }
}
