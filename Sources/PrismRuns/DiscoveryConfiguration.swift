import Foundation
import PrismActivations
import PrismCore
import PrismDictionaries
import PrismTensor

/// Everything that `prism discover` needs to know; written to `run.json` as it was resolved.
public struct DiscoveryConfiguration: Codable, Hashable, Sendable {
    /// A GGUF file or a Hugging Face folder; nil with `activations`.
    public var model: String?
    /// Files and folders of text.
    public var text: [String] = []
    /// Whose activations to take apart.
    public var hook = HookPoint.residualPost(layer: 15)
    /// A matrix to take apart instead of a model's activations: an .npy file, or a folder that `prism harvest` wrote; or one
    /// that `prism synth` wrote, whose vectors are made as they are needed.
    public var activations: String?
    /// Number format of the model's products.
    public var modelPrecision = Precision.fp32
    public var contexts = ContextConfiguration()
    /// Different vectors to train on, at most; contexts are drawn by this number, so it stays what was asked for.
    public var tokens = 300_000
    /// How often each is used, in a fresh order each time.
    public var passes = 4
    /// Vectors longer than this many times the median norm are attention sinks and left out of training and metrics.
    public var normLimit = 10.0
    /// The most vectors in the shuffle buffer.
    public var buffer = 131_072
    /// Its `steps` follow from the vectors, `passes` and `batch`.
    public var training = TrainingConfiguration()
    /// Held-out vectors to evaluate on.
    public var evaluationTokens = 16_384
    /// Vectors to gather the latents' examples from.
    public var atlasTokens = 150_000

    public init() {}

    /// - Throws: `PrismError.usage` that names the field.
    func validate() throws {
        guard tokens > 0, passes > 0, training.batch > 0 else {
            throw PrismError.usage(
                "tokens, passes and batch must be positive, not \(tokens), \(passes), \(training.batch)")
        }
        guard evaluationTokens > 0, atlasTokens >= 0, buffer > 0 else {
            throw PrismError.usage(
                "evaluation tokens and buffer must be positive and atlas tokens not negative, but they are \(evaluationTokens), \(buffer) and \(atlasTokens)"
            )
        }
        guard normLimit > 1 else { throw PrismError.usage("the norm limit is a multiple above 1, not \(normLimit)") }
        guard (model == nil) != (activations == nil) else {
            throw PrismError.usage("give either a model with --text or --activations with a matrix, not both")
        }
        guard contexts.heldOutShare > 0, contexts.heldOutShare < 1 else {
            throw PrismError.usage("the held-out share must lie between 0 and 1, not be \(contexts.heldOutShare)")
        }
        if model != nil, text.isEmpty {
            throw PrismError.usage("give the model some text: --text with files or folders")
        }
    }
}
