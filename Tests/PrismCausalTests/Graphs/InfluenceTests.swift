import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct InfluenceTests {
    /// All paths: (I − A)⁻¹ − I of the matrix whose entry is the share of a source's loss that its target loses.
    @Test func pathsAreTheInverses() {
        let graph = PrunedGraphTests.graph(seed: 9)
        let count = graph.weights.rowCount
        var shares = DoubleMatrix(count, count)
        func value(_ row: Int) -> Double { row < 20 ? Double(graph.features[row].activation) : 1 }
        for t in 0..<count { for s in 0..<20 { shares[t, s] = Double(graph.weights[t][s]) / value(t) } }
        var (identity, negative) = (DoubleMatrix(count, count), DoubleMatrix(count, count))
        for i in 0..<count { identity[i, i] = 1 }
        for i in shares.values.indices { negative.values[i] = identity.values[i] - shares.values[i] }
        let all = negative.solving(identity)
        for source in [0, 7, 13] {
            let found = graph.effects(ofSource: source)
            for t in 0..<count where t != source {
                #expect(abs(found[t] / value(t) - all[t, source]) < 1e-9 * max(1, abs(all[t, source])))
            }
        }
    }
}
