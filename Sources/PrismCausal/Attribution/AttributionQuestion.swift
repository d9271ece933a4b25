import PrismCore
import PrismModels

/// What is to be explained: how much more a model expects one token after a prompt than another,
///
///     m = logit(target) − logit(foil),        without a foil logit(target)
///
/// and what the activations that led to it are set against.
public struct AttributionQuestion: Sendable {
    /// Token ids, BOS included where the tokenizer adds one.
    public let prompt: [Int32]
    public let target: Int32
    public let foil: Int32?
    public let baseline: Baseline

    /// What a unit would be, had it nothing to say.
    public enum Baseline: Sendable {
        /// Zero; of latents, inactive.
        case zero
        /// Its mean over reference text, given as contexts.
        case mean([[Int32]])
        /// What it is in another prompt, as long as this one.
        case prompt([Int32])
    }

    /// - Throws: `PrismError.usage` if the prompt is empty, the prompts differ in length or nowhere, or target and foil are the
    ///   same.
    public init(_ prompt: [Int32], target: Int32, foil: Int32?, baseline: Baseline) throws {
        guard !prompt.isEmpty else { throw PrismError.usage("the prompt is empty") }
        if case .prompt(let other) = baseline {
            guard other.count == prompt.count else {
                throw PrismError.usage(
                    "the prompt has \(prompt.count) tokens and the corrupt one \(other.count); activations are compared position by position: make them equally long"
                )
            }
            guard other != prompt else {
                throw PrismError.usage("the prompt and the corrupt one are the same; nothing tells them apart")
            }
        }
        guard target != foil else { throw PrismError.usage("the target and what it is weighed against are the same") }
        (self.prompt, self.target, self.foil, self.baseline) = (prompt, target, foil, baseline)
    }

    /// The clean prompt of a pair against the corrupt one.
    /// - Throws: `PrismError.usage` for a pair of several answers or foils: its log odds are not linear in the logits.
    public init(_ pair: PromptPair) throws {
        guard pair.answers.count == 1, pair.foils.count == 1 else {
            throw PrismError.usage(
                "attribution explains one token against another; this task has \(pair.answers.count) answers and \(pair.foils.count) foils"
            )
        }
        try self.init(pair.clean, target: pair.answers[0], foil: pair.foils[0], baseline: .prompt(pair.corrupt))
    }

    /// A question as text.
    /// - corrupt: the prompt to set it against; nil for the baseline given.
    /// - Throws: `PrismError.usage` as above, and for a target or foil that is not a single token.
    public init(
        _ prompt: String, target: String, foil: String?, corrupt: String?, otherwise baseline: Baseline,
        _ tokenizer: Tokenizer
    ) throws {
        let text = Prompt(prompt)
        func token(_ answer: String) throws -> Int32 {
            do {
                return try text.token(ofAnswer: answer, tokenizer)
            } catch let error as PrismError {
                throw PrismError.usage(error.message)
            }
        }
        try self.init(
            text.encoded(tokenizer).tokens, target: token(target), foil: foil.map(token),
            baseline: corrupt.map { .prompt(try Prompt($0).encoded(tokenizer).tokens) } ?? baseline)
    }

    /// m of logits after the prompt, [vocabulary].
    func value(_ logits: UnsafePointer<Float>) -> Double {
        Double(logits[Int(target)]) - (foil.map { Double(logits[Int($0)]) } ?? 0)
    }

    /// Σ over contexts of m, to be differentiated.
    func objective(contexts: Int) -> Objective {
        .logitDifference([(Int32, Int32?)](repeating: (target, foil), count: contexts))
    }
}
