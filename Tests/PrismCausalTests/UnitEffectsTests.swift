import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct UnitEffectsTests {
    static func effects(_ space: PatchedUnits, _ runs: PairedRuns, only: [Int]? = nil) throws -> UnitEffects {
        let gradients = try runs.gradients(at: space.hooks)
        return try UnitEffects(
            space, gradients: space.hooks.map { gradients[$0] }, at: runs.pairs.indices.map(runs.differing), runs,
            top: 10, only: only)
    }

    static func neurons(_ layers: [Int]) -> PatchedUnits {
        PatchedUnits(
            name: "neurons", hooks: layers.map { .neurons(layer: $0) }, widths: layers.map { _ in 48 },
            differences: nil)
    }

    /// Attribution is the derivative: against a small step of one neuron towards the other run.
    @Test func attributionIsTheDerivative() throws {
        let runs = try PairedRunsTests.runs()
        let effects = try Self.effects(Self.neurons([0, 1, 2]), runs)
        let total = zip(runs.sourceOdds, runs.baseOdds).reduce(0) { $0 + $1.0 - $1.1 }
        for unit in effects.units.prefix(4) {
            let hook = HookPoint.neurons(layer: unit.layer)
            func odds(_ step: Float) throws -> Double {
                let nudge = Intervention(at: hook) { activation, contexts in
                    for context in contexts {
                        let first = runs.rows(context.index, 0..<0).lowerBound
                        for (place, row) in context.rows.enumerated() {
                            activation[row][unit.index] +=
                                step
                                * (runs.source[hook][first + place][unit.index]
                                    - runs.base[hook][first + place][unit.index])
                        }
                    }
                }
                let found = try runs.model.run(
                    ForwardRequest(
                        contexts: runs.pairs.map(\.corrupt), capture: [.finalNorm], interventions: [nudge]))
                return runs.odds(found, ofPairs: Array(runs.pairs.indices)).reduce(0, +)
            }
            // The models' odds are small, so that fp32 leaves four digits of a difference quotient.
            let slope = (try odds(0.5) - odds(-0.5)) / total
            #expect(abs(slope - unit.attributed) < 2e-3 * abs(slope) + 1e-4)
        }
    }

    /// The first units of the ranking, patched together, end in the whole activation.
    @Test func theCurveEndsInTheWhole() throws {
        let runs = try PairedRunsTests.runs()
        let effects = try Self.effects(Self.neurons([1, 2]), runs)
        #expect(effects.count == 96 && effects.curve.map(\.units) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96])
        #expect(effects.curve.last?.effect == effects.whole)
        #expect(effects.units.count == 10)
        #expect(effects.units.first?.effect == effects.curve.first?.effect)
        #expect(zip(effects.units, effects.units.dropFirst()).allSatisfy { abs($0.attributed) >= abs($1.attributed) })
    }

    /// A dictionary of the positive and the negative axes leaves nothing unexplained: its latents together are the whole
    /// activation, and a latent alone is the axis where its sign does not change.
    @Test func latentsOfACompleteDictionaryAreTheWhole() throws {
        let axes = Tensor(64, 32)
        for i in 0..<32 { (axes[i][i], axes[32 + i][i]) = (1, -1) }
        let dictionary = SparseDictionary(
            encoder: axes, encoderBias: Tensor(64), decoder: axes, decoderBias: Tensor(32), activation: .relu)
        let hook = HookPoint.residualPre(layer: 1)
        let placed = try PlacedDictionary(name: "axes", dictionary, reads: hook, writes: hook)
        let runs = try PairedRunsTests.runs()
        let space = PatchedUnits(
            name: "latents", hooks: [hook], widths: [32],
            differences: LatentDifferences(placed, base: runs.base[hook], source: runs.source[hook], workers: Workers())
        )
        let effects = try Self.effects(space, runs)
        #expect(effects.count == 64)
        // x + (x' − x) is x' but for a rounding.
        #expect(abs(effects.curve.last!.effect.value - effects.whole.value) < 1e-4)
        let own = try Self.effects(space, runs, only: [5, 40])
        #expect(own.units.map(\.index) == [5, 40] && own.curve.map(\.units) == [1, 2])
    }

    /// From there on no fewer: a curve that falls below again is not there yet.
    @Test func neededIsTheLastCrossing() {
        func effects(_ values: [Double]) -> UnitEffects {
            let points = zip([1, 2, 3, 4], values).map {
                UnitEffects.Point(units: $0, effect: .init(value: $1, low: $1, high: $1))
            }
            return UnitEffects(
                name: "", count: 4, differing: 4, whole: .init(value: 1, low: 1, high: 1), units: [], agreement: nil,
                curve: points)
        }
        #expect(effects([0.2, 0.6, 0.9, 1]).needed(0.5) == 2)
        #expect(effects([0.6, 0.4, 0.9, 1]).needed(0.5) == 3)
        #expect(effects([0.6, 0.7, 0.9, 1]).needed(0.5) == 1)
        #expect(effects([0.6, 0.7, 0.9, 0.8]).needed(0.95) == nil)
    }
}
