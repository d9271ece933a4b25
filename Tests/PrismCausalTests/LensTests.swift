import PrismCore
import PrismModels
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct LensTests {
    /// Of what leaves the last block the lens shows the model's own logits, to the bit, tuned or not.
    @Test func lastRowIsTheModel() throws {
        let model = Fixture.model()
        let tokens: [Int32] = [3, 1, 4, 1, 5, 9]
        let hooks = Lens.hooks(model)
        let run = try model.run(ForwardRequest(contexts: [tokens], capture: hooks))
        for lens in [Lens(model), Lens(model, tuned: TunedLens(model.configuration))] {
            let seen = try lens.logits(run[hooks[3]], at: 3, workers: Workers(count: 2))
            #expect(seen.values == (try model.logits(tokens)).values)
        }
    }

    /// A layer's row is final norm and unembedding of its residual stream, here written out for a norm of weights 1.
    @Test func rowsAreNormAndUnembedding() throws {
        let model = Fixture.model()
        let hooks = Lens.hooks(model)
        let run = try model.run(ForwardRequest(contexts: [[3, 1, 4]], capture: hooks))
        let unembedding = model.unembeddingMatrix(workers: Workers(count: 1))
        let seen = try Lens(model).logits(run[hooks[1]], at: 1, workers: Workers(count: 1))
        let h = run[hooks[1]].values[32..<64].map(Double.init)
        let size = (h.reduce(0) { $0 + $1 * $1 } / 32 + 1e-5).squareRoot()
        for token in 0..<90 {
            let logit = (0..<32).reduce(0.0) { $0 + h[$1] / size * Double(unembedding[token][$1]) }
            #expect(abs(Double(seen[1][token]) - logit) < 1e-5)
        }
    }

    @Test func readingListsTheLikeliest() throws {
        let model = Fixture.model()
        let reading = try LensReading([3, 1, 4], Lens(model), top: 3, workers: Workers(count: 1)) { "\($0)" }
        #expect(reading.tokens == ["3", "1", "4"] && reading.rows.count == 4)
        let logits = try model.logits([3, 1, 4])
        let best = (0..<90).max { logits[2][$0] < logits[2][$1] }!
        let last = reading.rows[3].positions[2]
        #expect(last.next.count == 3 && last.next[0].text == "\(best)")
        #expect(last.divergence < 1e-6 && reading.rows[0].positions[2].divergence > 1e-4)
    }
}
