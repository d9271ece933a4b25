import Foundation
import PrismCore
import PrismMetrics
import PrismModels
import PrismTensor

/// One layer's translator in training.
final class TranslatorTraining {
    private let lens: TunedLens
    private let place: Int
    /// The unit of b.
    private let scale: Float
    /// A, which the lens shares, and b / scale.
    private let weight, bias: Tensor
    private let moments: [Tensor]

    init(_ lens: TunedLens, _ place: Int, scale: Float) {
        (self.lens, self.place, self.scale) = (lens, place, scale)
        weight = lens.translators[place].weight
        bias = Tensor(shape: lens.translators[place].bias.shape)
        moments = [weight, weight, bias, bias].map { Tensor(shape: $0.shape) }
    }

    /// One step down KL(model ‖ lens).
    /// - h: [rows, width]. target: the model's logits, [rows, vocabulary].
    func step(_ model: Transformer, _ h: Tensor, _ target: Tensor, _ adam: AdamStep) throws {
        let backend = model.backend
        let last = HookPoint.residualPost(layer: model.configuration.layerCount - 1)
        let pass = ForwardRequest(
            contexts: [[Int32]](repeating: [0], count: h.rowCount), capture: [],
            start: .init(at: last, lens.translated(h, at: place, backend)))
        let gradient = try model.gradients(
            GradientRequest(pass, objective: .klDivergence(from: target), hooks: [last]), workers: Workers(count: 1)
        ).hooks[last]
        // ∂A = Σ g hᵀ and ∂(b / scale) = scale Σ g; of the mean over rows, which Adam does not tell from the sum.
        let (weightGradient, biasGradient) = (Tensor(shape: weight.shape), Tensor(shape: bias.shape))
        backend.accumulateProduct(gradient, h, into: weightGradient)
        backend.add(rowsOf: gradient, to: biasGradient)
        backend.adam(
            weight.data, gradient: weightGradient.data, gradientScale: 1, moment1: moments[0].data,
            moment2: moments[1].data, count: weight.count, adam)
        backend.adam(
            bias.data, gradient: biasGradient.data, gradientScale: scale, moment1: moments[2].data,
            moment2: moments[3].data, count: bias.count, adam)
        let written = lens.translators[place].bias
        for c in 0..<bias.count { written.data[c] = scale * bias.data[c] }
    }
}

extension Objective {
    /// Σ over contexts of one token of KL(target ‖ prediction), in nats.
    /// - target: logits, [contexts, vocabulary].
    static func klDivergence(from target: Tensor) -> Objective {
        .logits(
            LogitObjective(positions: { _ in [0] }) { context, _, logits, gradient in
                let own = target[context.index]
                let sums = [logSumExp(own, count: logits.count), logSumExp(logits.baseAddress!, count: logits.count)]
                let (before, after) = (Float(sums[0]), Float(sums[1]))
                for token in logits.indices { gradient[token] += exp(logits[token] - after) - exp(own[token] - before) }
                return divergence(own, sums[0], logits.baseAddress!, sums[1], count: logits.count)
            })
    }
}
