import PrismActivations
import PrismCore
import PrismModels

/// What is to be explained: m, how much more a model expects the answers after a prompt than the foils (see `TokenChoice`), and
/// what the activations that led to it are set against.
public struct AttributionQuestion: TokenChoice, Sendable {
    /// Token ids, BOS included where the tokenizer adds one.
    public let prompt: [Int32]
    /// What to explain, and what to weigh it against; foils may be none.
    public let answers, foils: [Int32]
    public let baseline: Baseline

    /// What a unit would be, had it nothing to say.
    public enum Baseline: Sendable {
        /// Zero; of latents, inactive.
        case zero
        /// Its mean over reference text, at used positions that are no attention sinks.
        case mean([TokenContext])
        /// What it is in another prompt, as long as this one.
        case prompt([Int32])
    }

    /// - Throws: `PrismError.usage` if the prompts differ in length or nowhere, there is no reference text, or answers and
    ///   foils share a token.
    public init(_ prompt: [Int32], answers: [Int32], foils: [Int32], baseline: Baseline) throws {
        switch baseline {
        case .prompt(let other) where other.count != prompt.count:
            throw PrismError.usage(
                "the prompt has \(prompt.count) tokens and the corrupt one \(other.count); activations are compared position by position: make them equally long"
            )
        case .prompt(prompt):
            throw PrismError.usage("the prompt and the corrupt one are the same; nothing tells them apart")
        case .mean(let contexts) where contexts.isEmpty:
            throw PrismError.usage("there is no text to take means over; the run held none out")
        default: break
        }
        guard !answers.isEmpty, Set(answers).isDisjoint(with: foils) else {
            throw PrismError.usage("the target and what it is weighed against are the same")
        }
        (self.prompt, self.answers, self.foils, self.baseline) = (prompt, answers, foils, baseline)
    }

    /// The clean prompt of a pair against the corrupt one.
    public init(_ pair: PromptPair) {
        (prompt, answers, foils, baseline) = (pair.clean, pair.answers, pair.foils, .prompt(pair.corrupt))
    }

    /// A question whose answer and foil are text.
    /// - prompt: as the model reads it, and as text.
    /// - Throws: `PrismError.usage` as above, and for a target or foil that is not a single token.
    public init(
        _ prompt: (tokens: [Int32], text: String), target: String, foil: String?, baseline: Baseline,
        _ tokenizer: Tokenizer
    ) throws {
        func token(_ answer: String) throws -> Int32 {
            do {
                return try Prompt(prompt.text).token(ofAnswer: answer, tokenizer)
            } catch let error as PrismError {
                throw PrismError.usage(error.message)
            }
        }
        try self.init(
            prompt.tokens, answers: [token(target)], foils: [foil].compactMap(\.self).map(token), baseline: baseline)
    }
}
