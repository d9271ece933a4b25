import Algorithms
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
    /// A matrix to take apart instead of a model's activations: an .npy file, or a folder that `prism harvest` wrote; or one
    /// that `prism synth` wrote, whose vectors are made as they are needed.
    public var activations: String?
    /// Shuffle the numbers of each of the model's weights, by the contexts' seed: what dictionaries find in a model of the same
    /// shape that has learned nothing is a control.
    public var randomModel: Bool?
    /// Number format of the model's products.
    public var modelPrecision = Precision.fp32
    public var contexts = ContextConfiguration()
    /// Different vectors to train on, at most; contexts are drawn by this number, so it stays what was asked for.
    public var tokens = 300_000
    /// How often each is used, in a fresh order each time.
    public var passes = 4
    /// Vectors per step.
    public var batch = 4096
    /// Vectors longer than this many times the median norm are attention sinks and left out of training and metrics.
    public var normLimit = SinkFilter.usualMultiple
    /// The most vectors in the shuffle buffer.
    public var buffer = 131_072
    /// Held-out vectors to evaluate on.
    public var evaluationTokens = 16_384
    /// Vectors to gather the latents' examples from.
    public var atlasTokens = 150_000
    /// Write the metrics of training as event files for TensorBoard too.
    public var tensorboard = false
    /// What to train, all on the same vectors in the same order.
    public var dictionaries = [DictionaryConfiguration()]

    public init() {}

    /// All hook points that the dictionaries read or write: the parts of a vector.
    public var hooks: [HookPoint] { Array(dictionaries.flatMap { $0.reads + $0.writes }.uniqued()) }

    /// - Throws: `PrismError.usage` that names the field.
    func validate() throws {
        guard tokens > 0, passes > 0, batch > 0 else {
            throw PrismError.usage("tokens, passes and batch must be positive, not \(tokens), \(passes), \(batch)")
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
        guard contexts.oversample == nil || activations == nil else {
            throw PrismError.usage(
                "oversampling draws from text; leave it away with --activations and give it to `prism harvest` instead")
        }
        guard randomModel != true || model != nil else {
            throw PrismError.usage("a random model needs the model whose weights to shuffle")
        }
        if model != nil, text.isEmpty {
            throw PrismError.usage("give the model some text: --text with files or folders")
        }
        guard !dictionaries.isEmpty else { throw PrismError.usage("there is no dictionary to train; describe one") }
        let names = dictionaries.map(\.name)
        if let twice = names.first(where: { name in names.count { $0 == name } > 1 }) {
            throw PrismError.usage(
                twice.isEmpty
                    ? "the dictionaries of the sweep do not differ; vary a setting or give each a name"
                    : "two dictionaries of the sweep are called ‘\(twice)’; give them different names")
        }
        if let odd = names.first(where: { $0.contains("/") || $0.hasPrefix(".") || $0.isEmpty && names.count > 1 }) {
            throw PrismError.usage("‘\(odd)’ cannot name a dictionary, for it becomes a folder's name")
        }
        if activations != nil,
            dictionaries.contains(where: { $0.target != nil || $0.hooks.count > 1 || $0.hooks != dictionaries[0].hooks }
            )
        {
            throw PrismError.usage(
                "transcoders, crosscoders and several hook points need a model; a matrix holds the activations of one place"
            )
        }
        if let odd = dictionaries.first(where: { $0.baseline != nil && $0.target != nil }) {
            throw PrismError.usage("the baseline \(odd.label) writes what it reads; leave its target away")
        }
        for dictionary in dictionaries where dictionary.hooks.isEmpty || dictionary.target?.isEmpty == true {
            throw PrismError.usage(
                "a dictionary needs at least one hook point to read and, with a target, one to write")
        }
    }
}

/// One dictionary of a run.
public struct DictionaryConfiguration: Codable, Hashable, Sendable {
    /// Its folder in the run; empty for a run's only one.
    public var name = ""
    /// Whose activations to take apart: one hook point, or several for a crosscoder.
    public var hooks = [HookPoint.residualPost(layer: 15)]
    /// For a transcoder, whose activations to write instead of those that are read.
    public var target: [HookPoint]?
    /// A dictionary that no gradient trains, to compare with: of `training` only latents, k and seed then count.
    public var baseline: Baseline?
    /// Its `batch` is the run's, and its `steps` follow from the vectors, `passes` and `batch`.
    public var training = TrainingConfiguration()

    public init() {}

    public var reads: [HookPoint] { hooks }
    public var writes: [HookPoint] { target ?? hooks }
    /// The kind of dictionary, as people write it.
    public var label: String { baseline?.label ?? training.architecture.label }
    /// The hook points in words.
    public var place: String {
        let names = { (hooks: [HookPoint]) in hooks.map(\.name).joined(separator: " + ") }
        return names(hooks) + (target.map { " → " + names($0) } ?? "")
    }
}
