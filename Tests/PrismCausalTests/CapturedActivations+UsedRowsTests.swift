import PrismActivations
import PrismCore
import PrismModels
import Testing

@testable import PrismCausal

@Suite struct UsedRowsTests {
    /// Neither positions that are not used nor a row a thousand times as long as it was.
    @Test func sinksAndSpecialTokensAreLeftOut() throws {
        let hook = HookPoint.residualPost(layer: 1)
        let contexts = [
            TokenContext(tokens: [1, 2, 3, 4], document: 0, positions: [1, 2, 3]),
            TokenContext(tokens: [5, 6, 7], document: 1, positions: [2]),
        ]
        let sink = Intervention(at: hook) { x, contexts in
            for context in contexts where context.index == 0 {
                let row = context.rows.lowerBound + 2
                for c in 0..<x.rowWidth { x[row][c] *= 1000 }
            }
        }
        let found = try Fixture.model().run(
            ForwardRequest(contexts: contexts.map(\.tokens), capture: [hook], interventions: [sink]))
        #expect(found.usedRows(of: contexts, at: hook) == [1, 3, 6])
    }
}
