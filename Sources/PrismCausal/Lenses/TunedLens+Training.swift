import PrismCore
import PrismModels
import PrismTensor

/// How a tuned lens is trained.
package struct TunedLensConfiguration: Hashable, Sendable {
    /// Positions whose predictions a step looks at, drawn from one context. What a step costs is their logits, layer by layer.
    package var rowsPerStep = 32
    /// Adam's first rate, which falls to zero in a straight line. A has no unit, and b is in units of h's median size, so that
    /// one rate suits all layers.
    package var rate: Float = 1e-3
    package var seed: UInt64 = 0

    package init() {}
}

extension TunedLens {
    /// Trains a lens, one step for each context, in the order given; from the identity, by Adam.
    /// - contexts: of at least two tokens.
    package init(
        training model: Transformer, on contexts: [[Int32]],
        _ configuration: TunedLensConfiguration = TunedLensConfiguration(), progress: Progress, workers: Workers
    ) throws {
        self.init(model.configuration)
        let hooks = Lens.hooks(model)
        var layers: [TranslatorTraining] = []
        for (step, context) in contexts.enumerated() {
            try Interrupt.check()
            let run = try model.run(ForwardRequest(contexts: [context], capture: hooks), workers: workers)
            var generator = SeededGenerator(seed: configuration.seed, stream: "tuned lens \(step)")
            // What follows the first token is the same guess in every text.
            let positions = (1..<context.count).shuffled(using: &generator).prefix(configuration.rowsPerStep)
            let rows = hooks.map { run[$0].gathered(Array(positions)) }
            if layers.isEmpty {
                layers = translators.indices.map { TranslatorTraining(self, $0, scale: run[hooks[$0]].medianSize) }
            }
            let target = try Lens(model).logits(rows.last!, at: hooks.count - 1, workers: workers)
            let adam = AdamStep(
                step: step + 1, rate: configuration.rate * (1 - Float(step) / Float(contexts.count)))
            let results = workers.map(layers.count, by: 1) { _, layer in
                Result { try layers[layer.lowerBound].step(model, rows[layer.lowerBound], target, adam) }
            }
            for result in results { try result.get() }
            progress.advance()
        }
    }
}

extension Tensor {
    /// The median over rows of the root mean square of their numbers.
    fileprivate var medianSize: Float {
        let sizes = (0..<rowCount).map { Double(norm(ofRow: $0)) }
        return Float(sizes.median / Double(rowWidth).squareRoot())
    }
}
