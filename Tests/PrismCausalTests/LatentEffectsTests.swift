import Foundation
import PrismActivations
import PrismAtlas
import PrismCausal
import PrismCore
import PrismModels
import PrismTensor
import Testing

/// What latents do, against whole passes of the model, one for each latent, change and context.
@Suite struct LatentEffectsTests {
    let model = Fixture.model()
    let contexts: [TokenContext] = [
        [5, 9, 33, 2, 60, 0, 71, 3], [17, 4, 8, 8, 41, 7, 89, 2, 1], [3, 1, 4, 1, 59, 26, 53, 58],
    ]
    .map { TokenContext(tokens: $0, document: 0, offset: 0, positions: (1..<Int32($0.count)).map { $0 }) }

    /// One change made by a whole pass of each context.
    /// - Returns: divergence and change of loss, token by token, parted by whether the latent is active.
    private func naive(
        _ latent: Int, _ placed: PlacedDictionary, window: Int,
        _ change: @escaping @Sendable (Tensor, Int, Float) -> Void
    ) throws -> (active: [(Double, Double?)], others: [(Double, Double?)], shifts: [Double]) {
        var (active, others): ([(Double, Double?)], [(Double, Double?)]) = ([], [])
        var shifts = [Double](repeating: 0, count: 90)
        for context in contexts {
            let x = try model.run(ForwardRequest(contexts: [context.tokens], capture: [placed.reads]))[placed.reads]
            let codes = placed.encode(x)
            let values = (0..<x.rowCount).map { row -> Float in
                let slots = row * codes.slots..<row * codes.slots + Int(codes.counts[row])
                return row == 0 ? 0 : slots.first { codes.indices[$0] == Int32(latent) }.map { codes.values[$0] } ?? 0
            }
            guard let first = values.firstIndex(where: { $0 != 0 }) else { continue }
            let changed = Intervention(at: placed.writes) { y, _ in
                for row in 0..<y.rowCount where values[row] != 0 { change(y, row, values[row]) }
            }
            let logits = try [[], [changed]].map { try model.logits(context.tokens, interventions: $0) }
            for row in first..<min(context.tokens.count, first + window) {
                let (p, q) = (Fixture.logProbabilities(logits[0], row), Fixture.logProbabilities(logits[1], row))
                let divergence = Fixture.divergence(p, q)
                let next = row + 1 < context.tokens.count ? Int(context.tokens[row + 1]) : nil
                let found = (divergence, next.map { p[$0] - q[$0] })
                if values[row] != 0 {
                    active.append(found)
                    for v in 0..<90 { shifts[v] += q[v] - p[v] }
                } else {
                    others.append(found)
                }
            }
        }
        return (active, others, shifts.map { $0 / Double(max(1, active.count)) })
    }

    @Test(arguments: [HookPoint.residualPost(layer: 1), .mlpOut(layer: 2), .neurons(layer: 0), .residualPre(layer: 1)])
    func theyAreThoseOfWholePasses(hook: HookPoint) throws {
        let placed = Fixture.dictionary(at: hook, width: model.configuration.width(at: hook))
        var options = LatentEffects.Options()
        (options.contexts, options.window, options.shifts) = (3, 6, 3)
        let effects = try LatentEffects(model, placed, options, text: { "\($0)" })
            .measure([60, 3, 11, 20, 31, 42, 50, 7], on: contexts)
        #expect(effects.count >= 2)
        for effect in effects {
            let decoder = placed.dictionary.decoder
            func check(_ consequence: LatentEffect.Consequence, factor: Float) throws {
                let found = try naive(effect.latent, placed, window: 6) { y, row, z in
                    for c in 0..<decoder.rowWidth { y[row][c] += factor * z * decoder[effect.latent][c] }
                }
                #expect(effect.activeTokens == found.active.count && effect.otherTokens == found.others.count)
                func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(max(1, values.count)) }
                // Logits of fp32 around one, of which KL keeps differences of some 1e-6.
                for (a, b) in [
                    (consequence.divergenceActive, mean(found.active.map(\.0))),
                    (consequence.divergenceElsewhere, mean(found.others.map(\.0))),
                    (consequence.lossActive, mean(found.active.compactMap(\.1))),
                    (consequence.lossElsewhere, mean(found.others.compactMap(\.1))),
                ] { #expect(abs(a - b) < 2e-6 + 1e-3 * abs(b)) }
                if factor < 0 {
                    let order = found.shifts.indices.sorted { found.shifts[$0] > found.shifts[$1] }
                    #expect(effect.risen.first.map { abs($0.change - found.shifts[order[0]]) < 1e-5 } == true)
                    #expect(effect.fallen.first.map { abs($0.change - found.shifts[order[89]]) < 1e-5 } == true)
                }
            }
            try check(effect.ablated, factor: -1)
            try check(effect.doubled, factor: 1)
            #expect(effect.neuron != nil && effect.neuron!.consequence.divergenceActive >= 0)
            #expect((hook == .neurons(layer: 0) || effect.directAgreement != nil) && effect.contexts <= 3)
        }
        let one = try LatentEffects(model, placed, options, workers: Workers(count: 1), text: { "\($0)" })
            .measure([60, 3, 11, 20, 31, 42, 50, 7], on: contexts)
        #expect(one == effects)
    }

    /// In the last layer's residual stream, a latent that is active everywhere moves log p as its decoder row says, as far as
    /// the final norm lets it.
    @Test func theDirectEffectIsWhatHappensInTheLastLayer() throws {
        let placed = Fixture.dictionary(at: .residualPost(layer: 2))
        let effects = try LatentEffects(model, placed, text: { "\($0)" }).measure(Array(0..<64), on: contexts)
        let agreements = effects.compactMap(\.directAgreement).sorted()
        #expect(agreements[agreements.count / 2] > 0.9)
    }
}
