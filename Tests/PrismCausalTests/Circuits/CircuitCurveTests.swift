import PrismCausal
import PrismCore
import PrismTensor
import Testing

@Suite struct CircuitCurveTests {
    private let places = [Fixture.dictionary(at: .residualPost(layer: 0)), Fixture.dictionary(at: .mlpOut(layer: 1))]

    /// With every node kept no bit changes; with none, none is left to tell from.
    @Test(arguments: NodeAblation.allCases) func wholeIsOneAndNothingIsZero(ablation: NodeAblation) throws {
        let activations = try NodeEffectsTests.activations(places)
        let pass = AblatedPass(activations, ablation)
        let everything = try pass.values(keeping: KeptNodes([], isComplement: true))
        #expect(everything == activations.values)
        #expect(try pass.values(keeping: KeptNodes([])) != activations.values)
        let curve = try CircuitCurve("latents", pass, NodeEffects(activations), counts: [0, 20])
        #expect(curve.points[0].faithfulness.value == 0 && curve.points[0].completeness.value == 1)
    }

    /// Keeping all nodes that differ is keeping everything, where the corrupt prompt's values are put.
    @Test func allNodesThatDifferAreAllOfResampling() throws {
        let activations = try NodeEffectsTests.activations(places)
        let effects = try NodeEffects(activations)
        let curve = try CircuitCurve(
            "latents", AblatedPass(activations, .resample), effects, counts: [0, 100_000])
        #expect(curve.points.last!.nodes == effects.nodes.count)
        // What differs downstream of ablation alone is no node; here only nodes of place 1 that nothing is ablated before.
        #expect(curve.points.last!.faithfulness.value == 1)
    }

    /// Four nodes are the whole of a planted XOR.
    @Test func plantedNodesAreEnough() throws {
        let activations = try PairedActivations(
            PlantedXOR.model, try (0..<12).map(PlantedXOR.pair), places: PlantedXOR.places, workers: Workers(count: 1))
        let pass = AblatedPass(activations, .resample)
        let effects = try NodeEffects(activations)
        let curve = try CircuitCurve("features", pass, effects, counts: [0, 12, 48])
        #expect(effects.means.count { abs($0) > 1e-3 } == 48)
        #expect(abs(curve.points[2].faithfulness.value - 1) < 1e-5)
        #expect(abs(curve.points[2].completeness.value) < 1e-5)
        // True features leave nothing to the errors.
        #expect(abs(curve.errors.completeness.value - 1) < 1e-5 && abs(curve.errors.faithfulness.value) < 1e-5)
    }
}
