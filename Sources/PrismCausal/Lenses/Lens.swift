import PrismCore
import PrismMetrics
import PrismModels
import PrismTensor

/// What a model would predict if it ended early: the residual stream entering each block, through the final norm and the
/// unembedding (logit lens, nostalgebraist 2020), or first through a translator of that layer (tuned lens, Belrose et al. 2023).
package struct Lens: Sendable {
    let model: Transformer
    /// nil for the logit lens.
    let tuned: TunedLens?

    package init(_ model: Transformer, tuned: TunedLens? = nil) { (self.model, self.tuned) = (model, tuned) }

    /// The residual stream entering each block, and leaving the last.
    package static func hooks(_ model: Transformer) -> [HookPoint] {
        let count = model.configuration.layerCount
        return (0..<count).map { .residualPre(layer: $0) } + [.residualPost(layer: count - 1)]
    }

    /// Logits, [rows, vocabulary]. Of the residual stream that leaves the last block they are the model's own, to the bit.
    /// - residual: at one of the hooks, [rows, width]. place: its number among these.
    package func logits(_ residual: Tensor, at place: Int, workers: Workers) throws -> Tensor {
        let translated = tuned?.translated(residual, at: place, model.backend) ?? residual
        let last = HookPoint.residualPost(layer: model.configuration.layerCount - 1)
        // A row is a context of its own, so that as many as there are fit the model. Its token only labels it.
        let request = ForwardRequest(
            contexts: [[Int32]](repeating: [0], count: residual.rowCount), capture: [.finalNorm],
            start: .init(at: last, translated))
        let normed = try model.run(request, workers: workers)[.finalNorm]
        let logits = Tensor(residual.rowCount, model.configuration.vocabularySize)
        workers.forEachRange(residual.rowCount, by: 16) { _, rows in
            model.logits(normed.rows(rows), into: logits.rows(rows))
        }
        return logits
    }
}

/// A lens's predictions on text, layer by layer.
public struct LensDivergence: Codable, Sendable {
    public let hook: HookPoint
    /// Mean over tokens of KL(model ‖ lens), in nats, with its 95% interval over contexts.
    public let logitLens: Estimate
    /// nil without a tuned lens.
    public let tunedLens: Estimate?

    /// How far both lenses are from what the model itself predicts.
    /// - contexts: text that no lens was trained on.
    package static func measured(
        _ lenses: [Lens], _ contexts: [[Int32]], progress: Progress, workers: Workers
    ) throws -> [LensDivergence] {
        let hooks = Lens.hooks(lenses[0].model)
        var means = [[[Double]]](repeating: [[Double]](repeating: [], count: lenses.count), count: hooks.count)
        for context in contexts {
            let run = try lenses[0].model.run(ForwardRequest(contexts: [context], capture: hooks), workers: workers)
            let own = try lenses[0].logits(run[hooks.last!], at: hooks.count - 1, workers: workers)
            for (place, hook) in hooks.enumerated() {
                try Interrupt.check()
                for (number, lens) in lenses.enumerated() {
                    let seen = try lens.logits(run[hook], at: place, workers: workers)
                    let divergences = workers.map(context.count, by: 1) { _, row in
                        divergence(own[row.lowerBound], seen[row.lowerBound], count: seen.rowWidth)
                    }
                    means[place][number].append(divergences.reduce(0, +) / Double(context.count))
                }
            }
            progress.advance()
        }
        let bootstrap = Bootstrap(contexts: contexts.count)
        return zip(hooks, means).map { hook, means in
            let estimates = means.map { means in
                bootstrap.estimate { counts in
                    zip(counts, means).reduce(0) { $0 + Double($1.0) * $1.1 } / Double(counts.reduce(0, +))
                }
            }
            return LensDivergence(
                hook: hook, logitLens: estimates[0], tunedLens: estimates.count > 1 ? estimates[1] : nil)
        }
    }
}

/// KL(p ‖ q) of two rows of logits, in nats.
private func divergence(_ p: UnsafePointer<Float>, _ q: UnsafePointer<Float>, count: Int) -> Double {
    divergence(p, logSumExp(p, count: count), q, logSumExp(q, count: count), count: count)
}
