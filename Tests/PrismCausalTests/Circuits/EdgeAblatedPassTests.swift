import PrismCausal
import PrismCore
import PrismTensor
import Testing

@Suite struct EdgeAblatedPassTests {
    private func found(_ pairs: [PromptPair]) throws -> (PairedActivations, CircuitEdges) {
        let activations = try PairedActivations(
            PlantedNames.model, pairs, places: PlantedNames.places, workers: Workers(count: 1))
        let effects = try NodeEffects(activations).byPosition(activations)
        return (activations, try CircuitEdges(among: effects.nodes.prefix(6 * pairs.count), activations, effects))
    }

    /// The eight planted edges carry the whole answer; without those from one node it is as if that node were taken away.
    @Test func plantedEdgesCarryTheAnswer() throws {
        let (activations, edges) = try found([try PlantedNames.pair(1, 4), try PlantedNames.pair(3, 0)])
        let pass = AblatedPass(activations, .resample)
        let kept = edges.edges.filter { abs($0.effect) > 1e-3 }
        #expect(kept.count == 16)
        let whole = try EdgeAblatedPass(pass, keeping: kept).values()
        let none = try EdgeAblatedPass(pass, keeping: []).values()
        for pair in 0..<2 {
            // Exact all but the tails of attention, e⁻²⁰ and less.
            #expect(abs(whole[pair] - activations.values[pair]) < 1e-4)
            #expect(none[pair] < 0 && activations.values[pair] > 4)
        }
        #expect(try zip(none, pass.values(keeping: KeptNodes([]))).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    /// The edge into an inhibited name is what makes the name mover look away from it.
    @Test func cuttingAnEdgeIsResamplingWhatItBrings() throws {
        let (activations, edges) = try found([try PlantedNames.pair(1, 4)])
        let pass = AblatedPass(activations, .resample)
        let cut = CircuitNode(place: 1, unit: 4, position: "end")
        let kept = edges.edges.filter { $0.to != cut }
        let node = try pass.values(keeping: KeptNodes([cut], isComplement: true))
        #expect(abs(try EdgeAblatedPass(pass, keeping: kept).values()[0] - node[0]) < 1e-4)
    }
}
