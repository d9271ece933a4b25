import PrismActivations
import PrismCausal
import PrismCore
import PrismTensor
import Testing

/// In superposition the truth is known: a neuron serves four XORs, a feature is one.
@Suite struct SideEffectsTests {
    private func effects(_ units: PlacedDictionary) throws -> SideEffects {
        let contexts = (0..<Int32(4 * PlantedXOR.pairs)).map { TokenContext(tokens: [$0], document: 0, positions: [0]) }
        let removal = try UnitRemoval(
            PlantedXOR.model, contexts, at: PlantedXOR.features.reads, readers: [PlantedXOR.features],
            workers: Workers(count: 2))
        return try removal.sideEffects("units", of: units, count: 100, seed: 0)
    }

    @Test func latentChangesItselfAlone() throws {
        let found = try effects(PlantedXOR.features)
        #expect(found.units.count == 24)
        for unit in found.units {
            #expect(unit.features == [1])
            // It is active at two or three tokens of 48, and nothing changes elsewhere.
            #expect(unit.active < 0.07)
        }
    }

    @Test func neuronChangesTheFourFeaturesThatItServes() throws {
        let neurons = PlacedDictionary.axes(at: PlantedXOR.features.reads, width: 2 * PlantedXOR.points)
        let found = try effects(neurons)
        #expect(found.units.count == 18)
        for unit in found.units { #expect(abs(unit.features[0] - 4) < 1e-4) }
    }

    /// A sink is neither changed nor counted: with one more token, a hundred times as long, all figures stay.
    @Test func sinksDoNotCount() throws {
        var weights = HandWeights(subspaces: ["x": 4], vocabulary: 6, positions: 1, layers: 1)
        for token in 0..<6 {
            weights.add(token == 5 ? 100 : 1, .embedding, row: token, column: token % 4)
            weights.add(1, .unembedding, row: token, column: token % 4)
        }
        let (model, units) = (weights.model, PlacedDictionary.axes(at: .residualPost(layer: 0), width: 4))
        let found = try [5, 6].map { count in
            let contexts = (0..<Int32(count)).map { TokenContext(tokens: [$0], document: 0, positions: [0]) }
            let removal = try UnitRemoval(
                model, contexts, at: units.reads, readers: [units], workers: Workers(count: 1))
            #expect(removal.tokenCount == 5)
            return try removal.sideEffects("units", of: units, count: 4, seed: 0).units
        }
        #expect(found[0].count == 4 && found[0].allSatisfy { $0.divergence > 0 })
        #expect(found[0].map(\.divergence) == found[1].map(\.divergence))
        #expect(found[0].map(\.features) == found[1].map(\.features))
    }

    @Test func refusesReadersThatComeBefore() {
        #expect(throws: PrismError.self) {
            try UnitRemoval(
                PlantedXOR.model, [], at: .mlpOut(layer: 0), readers: [PlantedXOR.features], workers: Workers(count: 1))
        }
    }
}
