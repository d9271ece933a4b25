import PrismActivations
import PrismCore
import PrismModels
import PrismTensor

/// How a tuned lens is trained.
package struct TunedLensConfiguration: Hashable, Sendable {
    /// Used positions whose predictions a step looks at, drawn from one context. What a step costs is their logits, layer by
    /// layer.
    package var rowsPerStep = 32
    /// Adam's first rate, which falls to zero in a straight line. A has no unit, and b is in units of h's median size, so that
    /// one rate suits all layers.
    package var rate: Float = 1e-3
    package var seed: UInt64 = 0

    package init() {}
}

extension TunedLens {
    /// Trains a lens, one step for each context, in the order given; from the identity, by Adam.
    package init(
        training model: Transformer, on contexts: [TokenContext],
        _ configuration: TunedLensConfiguration = TunedLensConfiguration(), progress: Progress, workers: Workers
    ) throws {
        let lens = TunedLens(model.configuration)
        var layers: [TranslatorTraining] = []
        try Lens.forEachContext(contexts, model, workers: workers) { step, streams in
            var generator = SeededGenerator(seed: configuration.seed, stream: "tuned lens \(step)")
            let drawn = contexts[step].positions.shuffled(using: &generator).prefix(configuration.rowsPerStep)
            let rows = streams.map { $0.gathered(drawn.map(Int.init)) }
            if layers.isEmpty {
                layers = lens.translators.indices.map { TranslatorTraining(lens, $0, scale: streams[$0].medianSize) }
            }
            let target = try Lens(model).logits(rows.last!, at: rows.count - 1, workers: workers)
            let adam = AdamStep(
                step: step + 1, rate: configuration.rate * (1 - Float(step) / Float(contexts.count)))
            _ = try workers.map(layers.count, by: 1) { _, layer in
                try layers[layer.lowerBound].step(model, rows[layer.lowerBound], target, adam)
            }
            progress.advance()
        }
        self = lens
    }
}

extension Tensor {
    /// The median over rows of the root mean square of their numbers.
    fileprivate var medianSize: Float {
        let sizes = (0..<rowCount).map { Double(norm(ofRow: $0)) }
        return Float(sizes.median / Double(rowWidth).squareRoot())
    }
}
