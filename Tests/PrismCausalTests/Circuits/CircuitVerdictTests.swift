@testable import PrismCausal
import PrismMetrics
import Testing

@Suite struct CircuitVerdictTests {
    @Test func sentenceNamesBothEndsOfWhatIsDefined() {
        func exactly(_ value: Double) -> Estimate { Estimate(value: value, low: value, high: value) }
        func verdict(_ ablation: NodeAblation, _ value: Double, gap: Double = 1) -> CircuitVerdict {
            CircuitVerdict(
                ablation: ablation, positions: .all, parts: .nodes, nodes: 20, edges: nil, faithfulness: exactly(value),
                gap: exactly(gap))
        }
        let sentence = CircuitVerdict.sentence([
            verdict(.mean, 0.64), verdict(.zero, -0.12), verdict(.resample, 1.31), verdict(.mean, 400, gap: 0),
        ])
        #expect(
            sentence
                == "Between −12% (zero ablation of nodes at all positions) and 131% (resample ablation of nodes at all positions), median 64%: what 20 nodes are said to carry of the answer, by 3 protocols. Under 1 more the answer stays when all nodes are taken away."
        )
        #expect(CircuitVerdict.sentence([verdict(.zero, 2, gap: 0)]).hasPrefix("No protocol"))
        // Of a single pair there are no intervals, and where the gap is nothing no faithfulness.
        let single = Estimate(value: 0.5, low: .nan, high: .nan)
        func alone(_ faithfulness: Double) -> CircuitVerdict {
            CircuitVerdict(
                ablation: .zero, positions: .all, parts: .nodes, nodes: 20, edges: nil,
                faithfulness: Estimate(value: faithfulness, low: .nan, high: .nan), gap: single)
        }
        #expect(CircuitVerdict.sentence([alone(0.5), alone(.nan)]).hasPrefix("Between 50%"))
    }
}
