import Foundation
import PrismCore
import PrismTensor

/// A small transformer of GPT-2's architecture and how it is trained. What is nil takes the value that its comment names;
/// the optimiser's defaults are those of GPT-3's small models (Brown et al. 2020) at a rate that suits a million weights.
public struct LanguageModelConfiguration: Codable, Hashable, Sendable {

    // MARK: Model

    public var layers = 1
    /// Numbers in the residual stream.
    public var width = 128
    public var heads = 4
    /// Neurons in a block's MLP; nil takes 4 · width.
    public var mlpWidth: Int?
    public var activation = Activation.relu
    /// Tokens of the tokenizer, which is trained on the same text: 256 bytes, `<|endoftext|>` and merges.
    public var vocabulary = 4096
    /// Tokens that the model reads at once, the BOS included.
    public var context = 250

    // MARK: Text

    /// Contexts in a step.
    public var batch = 64
    /// Tokens to train on; where the text has fewer, it is read again in another order.
    public var tokens = 20_000_000
    /// Share of the documents, drawn by name, that training never sees.
    public var heldOut = 0.1
    /// Held-out tokens to measure the loss on.
    public var evaluationTokens = 100_000
    /// Seed of everything random; equal seeds give equal bytes.
    public var seed: UInt64 = 0
    /// Seed of the weights that training begins with; nil takes `seed`. Models that differ in it alone have read the same
    /// text in the same tokens.
    public var weightsSeed: UInt64?

    // MARK: Optimiser

    /// Peak rate of AdamW (Loshchilov and Hutter 2019), which falls by a cosine to a tenth.
    public var learningRate: Float = 2e-3
    /// Steps of linear warm-up; nil takes a twentieth of all, at most 200.
    public var warmup: Int?
    public var beta1: Float = 0.9
    public var beta2: Float = 0.95
    /// Decay of matrices a step, times the rate; below zero they are pushed away from zero (Liu et al. 2025).
    public var weightDecay: Float = 0.1
    /// Largest global norm of the gradient.
    public var gradientClip: Float = 1
    /// Steps between checkpoints; 0 writes only the last.
    public var checkpointEvery = 200

    // MARK: Pressures on neurons

    /// Share of the neurons' activations set to zero in training, the others scaled up (Srivastava et al. 2014).
    public var dropout: Float = 0
    /// λ of λ · mean over tokens of Σ |neuron|, added to the loss in nats.
    public var activationSparsity: Float = 0

    public init() {}

    public var neurons: Int { mlpWidth ?? 4 * width }
    /// Optimiser steps.
    public var steps: Int { max(1, tokens / (batch * context)) }
    public var warmupSteps: Int { warmup ?? min(200, steps / 20) }

    /// The rate of a step counted from 1.
    func rate(step: Int) -> Float {
        if step <= warmupSteps { return learningRate * Float(step) / Float(warmupSteps) }
        let share = Float(step - warmupSteps) / Float(max(1, steps - warmupSteps))
        return learningRate * (0.1 + 0.45 * (1 + cos(Float.pi * share)))
    }

    /// The model's shape with a vocabulary that a tokenizer turned out to have.
    public func shape(vocabulary: Int) -> TransformerConfiguration {
        var shape = TransformerConfiguration(
            family: "gpt2", width: width, layerCount: layers, headCount: heads, keyValueHeadCount: heads,
            headWidth: width / max(1, heads), mlpWidth: neurons, vocabularySize: vocabulary, contextLength: context
        ).asGPT2
        shape.activation = activation
        return shape
    }

    /// - Throws: `PrismError.usage` that names the setting.
    public func validate() throws {
        let counts = [
            ("layers", layers), ("width", width), ("heads", heads), ("mlp_width", neurons), ("batch", batch),
            ("tokens", tokens), ("evaluation_tokens", evaluationTokens),
        ]
        for (name, count) in counts where count < 1 {
            throw PrismError.usage("‘\(name)’ must be at least 1, not \(count)")
        }
        guard width % heads == 0 else {
            throw PrismError.usage("‘heads’ must divide ‘width’: \(width) cannot be shared by \(heads) evenly")
        }
        guard vocabulary >= 257 else {
            throw PrismError.usage(
                "‘vocabulary’ must hold 256 bytes and the end of text, at least 257, not \(vocabulary)")
        }
        guard context >= 9 else { throw PrismError.usage("‘context’ must be at least 9 tokens, not \(context)") }
        guard heldOut > 0, heldOut < 1 else {
            throw PrismError.usage("‘held_out’ must lie in (0, 1), not be \(heldOut)")
        }
        guard dropout >= 0, dropout < 1 else {
            throw PrismError.usage("‘dropout’ must lie in [0, 1), not be \(dropout)")
        }
        guard learningRate > 0, gradientClip > 0, activationSparsity >= 0, weightDecay.isFinite else {
            throw PrismError.usage(
                "‘learning_rate’ and ‘gradient_clip’ must be above 0, ‘activation_sparsity’ not below, ‘weight_decay’ finite"
            )
        }
        guard checkpointEvery >= 0 else {
            throw PrismError.usage("‘checkpoint_every’ must not be negative: \(checkpointEvery)")
        }
    }
}
