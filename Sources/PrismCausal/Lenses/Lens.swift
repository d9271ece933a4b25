import Algorithms
import PrismActivations
import PrismCore
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

    /// What text leaves in the residual stream, context by context in their order. Some go through the model together, so that
    /// threads have work.
    /// - body: takes a context's number, and [its tokens, width] for each of the hooks.
    static func forEachContext(
        _ contexts: [TokenContext], _ model: Transformer, workers: Workers, _ body: (Int, [Tensor]) throws -> Void
    ) throws {
        let hooks = hooks(model)
        for chunk in contexts.indices.chunks(ofCount: 16) {
            let request = ForwardRequest(contexts: contexts[chunk].map(\.tokens), capture: hooks)
            let run = try model.run(request, workers: workers)
            for (index, context) in chunk.enumerated() {
                try Interrupt.check()
                try body(context, hooks.map { run[$0].rows(run.rows(ofContext: index)) })
            }
        }
    }
}
