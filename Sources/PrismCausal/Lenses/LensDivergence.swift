import PrismActivations
import PrismCore
import PrismMetrics
import PrismModels
import PrismTensor

/// How far lenses are at one layer from what the model itself predicts, on text.
public struct LensDivergence: Codable, Sendable {
    public let hook: HookPoint
    /// Mean over tokens of KL(model ‖ lens), in nats, with its 95% interval over contexts.
    public let logitLens, tunedLens: Estimate

    /// Layer by layer, at used positions.
    /// - contexts: text that the lens was not trained on.
    package static func measured(
        _ model: Transformer, _ tuned: TunedLens, _ contexts: [TokenContext], progress: Progress, workers: Workers
    ) throws -> [LensDivergence] {
        let (hooks, lenses) = (Lens.hooks(model), [Lens(model), Lens(model, tuned: tuned)])
        var sums = [[[Double]]](repeating: [[], []], count: hooks.count)
        try Lens.forEachContext(contexts, model, workers: workers) { context, streams in
            let positions = contexts[context].positions.map(Int.init)
            let own = try lenses[0].logits(streams.last!.gathered(positions), at: hooks.count - 1, workers: workers)
            for place in hooks.indices {
                try Interrupt.check()
                let residual = streams[place].gathered(positions)
                for (number, lens) in lenses.enumerated() {
                    let seen = try lens.logits(residual, at: place, workers: workers)
                    let divergences = workers.map(seen.rowCount, by: 1) { _, row in
                        divergence(own[row.lowerBound], seen[row.lowerBound], count: seen.rowWidth)
                    }
                    sums[place][number].append(divergences.reduce(0, +))
                }
            }
            progress.advance()
        }
        let bootstrap = Bootstrap(contexts: contexts.count)
        func mean(_ sums: [Double]) -> Estimate {
            bootstrap.estimate { counts in
                var (sum, tokens) = (0.0, 0)
                for (count, (own, context)) in zip(counts, zip(sums, contexts)) {
                    sum += Double(count) * own
                    tokens += count * context.positions.count
                }
                return sum / Double(tokens)
            }
        }
        return zip(hooks, sums).map { LensDivergence(hook: $0, logitLens: mean($1[0]), tunedLens: mean($1[1])) }
    }
}

/// KL(p ‖ q) of two rows of logits, in nats.
private func divergence(_ p: UnsafePointer<Float>, _ q: UnsafePointer<Float>, count: Int) -> Double {
    divergence(p, logSumExp(p, count: count), q, logSumExp(q, count: count), count: count)
}
