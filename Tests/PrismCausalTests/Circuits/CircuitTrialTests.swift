import PrismCausal
import PrismCore
import PrismTensor
import Testing

@Suite struct CircuitTrialTests {
    private func activations(_ pairs: some Sequence<Int>) throws -> PairedActivations {
        try PairedActivations(
            PlantedXOR.model, try pairs.map(PlantedXOR.pair), places: PlantedXOR.places, workers: Workers(count: 1))
    }

    private func verdicts(finding: PairedActivations, judging: PairedActivations, size: Int) throws -> [CircuitVerdict]
    {
        let effects = try NodeEffects(finding)
        let edges = try CircuitEdges(among: effects.nodes.prefix(size), finding, effects)
        return try CircuitTrial(judging, all: effects, each: effects.byPosition(finding))
            .verdicts(sizes: [size], edges: edges)
    }

    /// Every protocol agrees on a circuit that is all there is: 48 nodes are the twelve XORs.
    @Test func protocolsAgreeOnThePlantedCircuit() throws {
        let all = try activations(0..<12)
        let verdicts = try verdicts(finding: all, judging: all, size: 48)
        #expect(verdicts.count == 12)
        // Mean ablation leaves a part of each name's activity everywhere, below the thresholds of the true features alone.
        for verdict in verdicts where verdict.ablation == .resample && verdict.parts == .nodes {
            #expect(abs(verdict.faithfulness.value - 1) < 1e-5)
        }
    }

    /// The XORs of six pairs have no node in common with those of six others, so they carry nothing of their answers.
    @Test func aCircuitOfOtherPairsIsNotFaithful() throws {
        let verdicts = try verdicts(finding: activations(0..<6), judging: activations(6..<12), size: 24)
        for verdict in verdicts where verdict.ablation == .resample {
            #expect(abs(verdict.faithfulness.value) < 1e-5 && verdict.gap.low > 0)
        }
    }
}
