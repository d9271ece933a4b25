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

    @Test func refusesReadersThatComeBefore() {
        #expect(throws: PrismError.self) {
            try UnitRemoval(
                PlantedXOR.model, [], at: .mlpOut(layer: 0), readers: [PlantedXOR.features], workers: Workers(count: 1))
        }
    }
}
