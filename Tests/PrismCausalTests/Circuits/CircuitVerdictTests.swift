@testable import PrismCausal
import PrismCore
import PrismMetrics
import PrismTensor
import Testing

@Suite struct CircuitVerdictTests {
    /// Every protocol agrees on a circuit that is all there is: 48 nodes are the twelve XORs.
    @Test func protocolsAgreeOnThePlantedCircuit() throws {
        let activations = try PairedActivations(
            PlantedXOR.model, try (0..<12).map(PlantedXOR.pair), places: PlantedXOR.places, workers: Workers(count: 1))
        let effects = try NodeEffects(activations)
        let edges = try CircuitEdges(among: effects.nodes.prefix(48), activations, effects)
        let verdicts = try CircuitTrial(activations, effects).verdicts(sizes: [48], edges: edges)
        #expect(verdicts.count == 12)
        // Mean ablation leaves a part of each name's activity everywhere, below the thresholds of the true features alone.
        for verdict in verdicts where verdict.ablation == .resample && verdict.parts == .nodes {
            #expect(abs(verdict.faithfulness.value - 1) < 1e-5)
        }
    }

    @Test func sentenceNamesBothEnds() {
        func verdict(_ ablation: NodeAblation, _ value: Double) -> CircuitVerdict {
            CircuitVerdict(
                ablation: ablation, positions: .all, parts: .nodes, nodes: 20, edges: nil,
                faithfulness: Estimate(value: value, low: value, high: value))
        }
        let sentence = CircuitVerdict.sentence([verdict(.mean, 0.64), verdict(.zero, -0.12), verdict(.resample, 1.31)])
        #expect(
            sentence
                == "Between −12% (zero ablation of nodes at all positions) and 131% (resample ablation of nodes at all positions), median 64%: what 20 nodes are said to carry of the answer, by 3 protocols."
        )
    }
}
