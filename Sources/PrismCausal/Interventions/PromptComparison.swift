import Foundation
import PrismCore
import PrismMetrics
import PrismModels
import PrismTensor

/// What edits make of a prompt: the model's predictions at each of its positions, and how it goes on, clean and changed.
public struct PromptComparison: Encodable, Sendable {
    /// One position of the prompt.
    public struct Position: Encodable, Sendable {
        public let token: String
        /// KL(clean ‖ changed) of what is predicted after it, in nats.
        public let divergence: Double
        /// The tokens whose probability moved most, by |p' − p|.
        public let moved: [Shift]
    }

    /// A next token's probability, clean and changed.
    public struct Shift: Encodable, Sendable {
        public let token: String
        public let clean, changed: Double
    }

    public let positions: [Position]
    /// What the model writes behind the prompt; empty if nothing was asked for.
    public let clean, changed: String

    /// - generate: tokens to write behind the prompt.
    /// - Throws: `PrismError.usage` as `EditPlan`, and for an edit that touches no position; `.runFailed` if the changed logits
    ///   are no numbers.
    public init(
        _ prompt: [Int32], _ edits: [Edit], _ model: Transformer, _ tokenizer: Tokenizer,
        _ surroundings: EditPlan.Surroundings, generate count: Int = 0, sampling: Sampling = .greedy, moved: Int = 5
    ) throws {
        var surroundings = surroundings
        surroundings.promptLengths = [prompt.count]
        surroundings.text = { tokenizer.text(of: $0) }
        let plan = try EditPlan(edits, model, surroundings)
        let logits = try [[], plan.interventions].map {
            try model.logits(prompt, interventions: $0, workers: surroundings.workers)
        }
        let vocabulary = model.configuration.vocabularySize
        positions = try prompt.indices.map { position in
            let rows = logits.map { $0[position] }
            let sums = rows.map { logSumExp($0, count: vocabulary) }
            guard sums.allSatisfy(\.isFinite) else {
                throw PrismError.runFailed(
                    "the edits leave position \(position) no logits that are numbers; choose smaller changes")
            }
            func probability(_ side: Int, _ token: Int) -> Double { exp(Double(rows[side][token]) - sums[side]) }
            let differences = (0..<vocabulary).map { Float(abs(probability(1, $0) - probability(0, $0))) }
            let most = differences.withUnsafeBufferPointer { topTokens($0, moved) }.filter { $0.logit > 0 }
            return Position(
                token: tokenizer.text(of: prompt[position]),
                divergence: PrismMetrics.divergence(rows[0], sums[0], rows[1], sums[1], count: vocabulary),
                moved: most.map { token, _ in
                    Shift(
                        token: tokenizer.text(of: token), clean: probability(0, Int(token)),
                        changed: probability(1, Int(token)))
                })
        }
        (clean, changed) = try {
            guard count > 0 else { return ("", "") }
            let stop = Set([tokenizer.eosID].compactMap(\.self))
            let texts = try [[], plan.interventions].map { interventions in
                tokenizer.decode(
                    try model.generate(
                        prompt: prompt, count: count, sampling: sampling, seed: surroundings.seed, stop: stop,
                        interventions: interventions))
            }
            return (texts[0], texts[1])
        }()
        try plan.requireSelection(edits)
    }
}
