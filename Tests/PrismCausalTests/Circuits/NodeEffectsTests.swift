import PrismCausal
import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor
import Testing

@Suite struct NodeEffectsTests {
    /// Random prompts of a random model, which differ from their third token on.
    static func activations(_ places: [PlacedDictionary], count: Int = 4) throws -> PairedActivations {
        var generator = SeededGenerator(seed: 5, stream: "prompts")
        let pairs = try (0..<count).map { _ in
            let (start, a, b) = ([Int32(1), 2], 0, 1)
            func tokens(_ seed: Int) -> [Int32] {
                start + (0..<6).map { _ in Int32.random(in: 3..<90, using: &generator) }
            }
            return try PromptPair(clean: tokens(a), corrupt: tokens(b), answers: [7], foils: [8, 9])
        }
        return try PairedActivations(Fixture.model(), pairs, places: places, workers: Workers(count: 2))
    }

    private let places = [Fixture.dictionary(at: .residualPost(layer: 0)), Fixture.dictionary(at: .mlpOut(layer: 1))]

    /// Of a place the effects sum to what patching the whole place with the corrupt values does.
    @Test func integratedGradientsAreComplete() throws {
        let activations = try Self.activations(places)
        let effects = try NodeEffects(activations)
        for place in places.indices {
            let units = effects.nodes.filter { $0.place == place }
            let sums = activations.pairs.indices.map { pair in
                zip(effects.nodes, effects.effects).reduce(0) { $0 + ($1.0.place == place ? $1.1[pair] : 0) }
            }
            // Everything else kept, the place resampled.
            let kept = KeptNodes(units + [CircuitNode(place: place, unit: nil)], isComplement: true)
            let patched = try AblatedPass(activations, .resample).values(keeping: kept)
            #expect(units.count > 32)
            let size = zip(activations.values, patched).map { abs($0 - $1) }.max()!
            for (pair, sum) in sums.enumerated() {
                #expect(abs(sum - (activations.values[pair] - patched[pair])) < 0.01 * size)
            }
        }
    }

    /// Behind the last place here everything is linear but the final norm: of the planted XOR, not even that.
    @Test func attributionIsAblationWhereTheModelIsLinear() throws {
        let activations = try PairedActivations(
            PlantedXOR.model, [try PlantedXOR.pair(2), try PlantedXOR.pair(9)],
            places: [PlacedDictionary.axes(at: .neurons(layer: 0), width: 18), PlantedXOR.places[2]],
            workers: Workers(count: 1))
        let effects = try NodeEffects(activations, steps: 1)
        let pass = AblatedPass(activations, .resample)
        #expect(effects.nodes.count > 12)
        for (node, effect) in zip(effects.nodes, effects.effects) {
            let patched = try pass.values(keeping: KeptNodes([node], isComplement: true))
            for pair in 0..<2 { #expect(abs(activations.values[pair] - patched[pair] - effect[pair]) < 1e-5) }
        }
    }

    /// Edges take an encoder row for a latent's slope, which by matching pursuit it is not.
    @Test func refusesMatchingPursuit() {
        let (own, width) = (Fixture.dictionary(at: .residualPost(layer: 0)), 32)
        let dictionary = SparseDictionary(
            encoder: own.dictionary.decoder, encoderBias: Tensor(own.dictionary.latentCount),
            decoder: own.dictionary.decoder, decoderBias: Tensor(width),
            activation: .matchingPursuit(4))
        #expect(throws: PrismError.self) {
            try Self.activations([
                PlacedDictionary(name: "pursuit", dictionary, reads: own.reads, writes: own.writes)
            ])
        }
    }

    @Test func sameBytesAtAnyNumberOfThreads() throws {
        let effects = try [1, 3].map { threads in
            let some = try Self.activations(places)
            return try NodeEffects(
                PairedActivations(some.model, some.pairs, places: places, workers: Workers(count: threads)))
        }
        #expect(effects[0].nodes == effects[1].nodes && effects[0].effects == effects[1].effects)
    }

    @Test func byPositionSumsToAll() throws {
        let activations = try Self.activations(places)
        let all = try NodeEffects(activations)
        let each = all.byPosition(activations)
        var sums: [CircuitNode: Double] = [:]
        for (node, mean) in zip(each.nodes, each.means) {
            sums[CircuitNode(place: node.place, unit: node.unit), default: 0] += mean
        }
        for (node, mean) in zip(all.nodes, all.means) { #expect(abs(sums[node]! - mean) < 1e-9) }
    }
}

extension NodeEffects {
    /// Of each node over pairs.
    var means: [Double] { effects.map { $0.reduce(0, +) / Double($0.count) } }
}
