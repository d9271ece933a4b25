import Algorithms
import Foundation
import PrismActivations
import PrismAtlas
import PrismCore
import PrismDictionaries
import PrismMetrics
import PrismModels
import PrismTensor

/// Measures what latents do, by taking them away, doubling them, and by controls, on contexts in which they are active.
///
/// Where a latent is silent its ablation changes nothing, and what comes before its first activity in a context is not
/// changed either: so each change is a pass over the tokens from there on, from the residual stream and the keys and values
/// that a clean pass left, and many such passes go through the model together. No layer below is computed again.
package struct LatentEffects {
    package struct Options: Sendable {
        /// Contexts that each latent is changed in, at most.
        package var contexts = 4
        /// Tokens that are looked at from its first activity on.
        package var window = 48
        /// Tokens that gain or lose most to name.
        package var shifts = 8
        package var seed: UInt64 = 0
        package init() {}
    }

    private let model: Transformer
    private let placed: PlacedDictionary
    private let text: @Sendable (Int32) -> String
    private let options: Options
    private let workers: Workers
    /// Neurons of the layer that the dictionary writes into; nil where it writes before or after all of them.
    private let neurons: HookPoint?

    package init(
        _ model: Transformer, _ placed: PlacedDictionary, _ options: Options = Options(), workers: Workers = Workers(),
        text: @escaping @Sendable (_ token: Int32) -> String
    ) {
        (self.model, self.placed, self.options, self.workers, self.text) = (model, placed, options, workers, text)
        neurons = placed.writes.layer.map { .neurons(layer: $0) }
    }

    /// What is done to a latent.
    private enum Change: Int, CaseIterable { case ablated, doubled, random, neuron }

    /// A latent's activity in one context.
    private struct Occurrence {
        let latent: Int
        /// Positions and activations, ascending.
        let active: [(position: Int, value: Float)]
    }

    private struct Sums {
        var contexts = 0
        var tallies = [EffectTally](repeating: EffectTally(), count: Change.allCases.count)
        /// Σ over active tokens of log p'(v) − log p(v), [vocabulary].
        var shifts: Tensor?
    }

    /// - latents: which to measure; those that are never active in the contexts are left out of the result.
    package func measure(_ latents: [Int], on contexts: [TokenContext]) throws -> [LatentEffect] {
        let (occurrences, best) = try occurrences(of: Set(latents), in: contexts)
        let sums = try changed(occurrences, in: contexts, best)
        let directEffects = self.directEffects()
        return latents.uniqued().compactMap { latent in
            sums[latent].map { effect(latent, $0, best[latent], directEffects) }
        }
    }

    // MARK: Where latents are active

    /// For each context the latents to change there, and each latent's best neuron.
    private func occurrences(
        of latents: Set<Int>, in contexts: [TokenContext]
    ) throws -> ([[Occurrence]], [Int: BestNeuron]) {
        var counts: [Int: Int] = [:]
        var matches = NeuronMatches()
        let hooks = Array(([placed.reads] + (neurons.map { [$0] } ?? [])).uniqued())
        func occurrences(
            _ context: TokenContext, _ rows: Range<Int>, _ captured: CapturedActivations
        ) -> [Occurrence] {
            let positions = context.positions.map(Int.init)
            let codes = placed.encode(captured[placed.reads].rows(rows).gathered(positions), workers: workers)
            var active: [Int: [(position: Int, value: Float)]] = [:]
            for (row, position) in positions.enumerated() {
                for slot in row * codes.slots..<row * codes.slots + Int(codes.counts[row])
                where latents.contains(Int(codes.indices[slot])) {
                    active[Int(codes.indices[slot]), default: []].append((position, codes.values[slot]))
                }
            }
            if let neurons { matches.add(captured[neurons].rows(rows), positions, active) }
            return active.keys.sorted().compactMap { latent in
                counts[latent, default: 0] += 1
                guard counts[latent]! <= options.contexts else { return nil }
                return Occurrence(latent: latent, active: active[latent]!)
            }
        }
        // As many contexts together as make some blocks for each thread.
        let found = try contexts.chunks(ofCount: 32).flatMap { chunk -> [[Occurrence]] in
            try Interrupt.check()
            let captured = try model.run(
                ForwardRequest(contexts: chunk.map(\.tokens), capture: hooks), workers: workers)
            return chunk.enumerated().map { occurrences($1, captured.rows(ofContext: $0), captured) }
        }
        return (found, matches.best)
    }

    // MARK: Changes

    private func changed(
        _ occurrences: [[Occurrence]], in contexts: [TokenContext], _ best: [Int: BestNeuron]
    ) throws -> [Int: Sums] {
        let start = model.start(before: [placed.writes] + (neurons.map { [$0] } ?? []))
        let capture = Array(([start, .finalNorm] + model.pastHooks(from: start)).uniqued())
        let progress = Progress(
            "changing latents", total: occurrences.reduce(0) { $0 + $1.count }, unit: "latents in contexts")
        var sums: [Int: Sums] = [:]
        // As many contexts together as make some blocks for each thread.
        for chunk in zip(contexts, occurrences).filter({ !$1.isEmpty }).chunks(ofCount: 8) {
            let tokens = chunk.map(\.0.tokens)
            let clean = try model.run(ForwardRequest(contexts: tokens, capture: capture), workers: workers)
            for (index, (_, own)) in chunk.enumerated() {
                try Interrupt.check()
                let logits = CleanLogits(model, clean[.finalNorm].rows(clean.rows(ofContext: index)), workers)
                for few in own.chunks(ofCount: 16) {
                    try change(few, of: (clean, tokens, index), from: start, logits, best, &sums)
                }
                progress.advance(by: own.count)
            }
        }
        progress.finish()
        return sums
    }

    /// - clean: what a pass of several contexts left, their tokens, and which of them is changed.
    private func change(
        _ occurrences: ArraySlice<Occurrence>, of clean: (run: CapturedActivations, tokens: [[Int32]], context: Int),
        from start: HookPoint, _ logits: CleanLogits, _ best: [Int: BestNeuron], _ sums: inout [Int: Sums]
    ) throws {
        let tokens = clean.tokens[clean.context]
        let passes = occurrences.flatMap { occurrence in
            Change.allCases.filter { $0 != .neuron || best[occurrence.latent] != nil }.map { (occurrence, $0) }
        }
        let firsts = passes.map { $0.0.active[0].position }
        let request = ForwardRequest(
            resuming: clean.run, of: clean.tokens, at: start,
            firsts.map { (clean.context, $0..<min(tokens.count, $0 + options.window)) }, capture: [.finalNorm],
            interventions: interventions(passes, best))
        let found = try model.run(request, workers: workers)
        let tallies = workers.map(passes.count, by: 1) { _, range in
            let (pass, (occurrence, change)) = (range.lowerBound, passes[range.lowerBound])
            return logits.compare(
                found[.finalNorm].rows(found.rows(ofContext: pass)), from: firsts[pass], tokens,
                active: Set(occurrence.active.map(\.position)), keepsShifts: change == .ablated)
        }
        for ((occurrence, change), (tally, shifts)) in zip(passes, tallies) {
            var own = sums[occurrence.latent] ?? Sums()
            own.tallies[change.rawValue] += tally
            if let shifts {
                own.contexts += 1
                if let all = own.shifts { model.backend.add(shifts, to: all) } else { own.shifts = shifts }
            }
            sums[occurrence.latent] = own
        }
    }

    private func interventions(_ passes: [(Occurrence, Change)], _ best: [Int: BestNeuron]) -> [Intervention] {
        let decoder = placed.dictionary.decoder
        let latents = Intervention(at: placed.writes) { [seed = options.seed] y, contexts in
            for context in contexts {
                let (occurrence, change) = passes[context.index]
                let factor: Float
                var direction = Array(UnsafeBufferPointer(start: decoder[occurrence.latent], count: decoder.rowWidth))
                switch change {
                case .ablated: factor = -1
                case .doubled: factor = 1
                case .random:
                    factor = -1
                    direction = Self.random(
                        asLongAs: direction, SeededGenerator(seed: seed, stream: "random \(occurrence.latent)"))
                case .neuron: continue
                }
                for (position, value) in occurrence.active {
                    guard let row = context.row(ofPosition: position) else { continue }
                    for c in direction.indices { y[row][c] += factor * value * direction[c] }
                }
            }
        }
        guard let neurons else { return [latents] }
        let held = Intervention(at: neurons) { x, contexts in
            for context in contexts {
                let (occurrence, change) = passes[context.index]
                guard change == .neuron, let neuron = best[occurrence.latent] else { continue }
                for row in context.rows { x[row][neuron.number] = neuron.mean }
            }
        }
        return [held, latents]
    }

    private static func random(asLongAs direction: [Float], _ generator: SeededGenerator) -> [Float] {
        var generator = generator
        let drawn = direction.map { _ in generator.normal() }
        func norm(_ v: [Float]) -> Float { v.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        let scale = norm(direction) / max(norm(drawn), .leastNormalMagnitude)
        return drawn.map { $0 * scale }
    }

    // MARK: Results

    /// What decoder rows do to the logits directly: [vocabulary, width] and the rows of the residual stream.
    private func directEffects() -> (unembedding: Tensor, rows: Tensor)? {
        guard let rows = model.residualRows(of: placed.dictionary.decoder, at: placed.writes) else { return nil }
        let weighted = rows.copy()
        if placed.writes != .finalNorm {
            let weight = model.finalNormWeight
            for row in 0..<rows.rowCount { for c in 0..<rows.rowWidth { weighted[row][c] *= weight.data[c] } }
        }
        return (model.unembeddingMatrix(workers: workers), weighted)
    }

    private func effect(
        _ latent: Int, _ sums: Sums, _ neuron: BestNeuron?, _ direct: (unembedding: Tensor, rows: Tensor)?
    ) -> LatentEffect {
        let consequences = sums.tallies.map(\.consequence)
        let tokens = sums.tallies[Change.ablated.rawValue]
        let scale = 1 / Float(max(1, tokens.activeTokens))
        let changes = sums.shifts!.values.map { $0 * scale }
        func largest(_ sign: Float) -> [LatentEffect.Shift] {
            changes.map { sign * $0 }.withUnsafeBufferPointer { topTokens($0, options.shifts) }.map { token, value in
                .init(token: text(token), change: Double(sign * value))
            }
        }
        let agreement = direct.flatMap { unembedding, rows in
            let effects = Tensor(1, unembedding.rowCount)
            CPUBackend().multiply(rows.rows(latent..<latent + 1), by: unembedding, transposed: true, into: effects)
            return Correlation.pearson(changes, effects.values.map { -$0 })
        }
        return LatentEffect(
            latent: latent, contexts: sums.contexts, activeTokens: tokens.activeTokens, otherTokens: tokens.otherTokens,
            ablated: consequences[Change.ablated.rawValue], doubled: consequences[Change.doubled.rawValue],
            random: consequences[Change.random.rawValue],
            neuron: neuron.map {
                .init(
                    number: $0.number, correlation: $0.correlation,
                    consequence: consequences[Change.neuron.rawValue])
            },
            risen: largest(1), fallen: largest(-1), directAgreement: agreement)
    }
}
