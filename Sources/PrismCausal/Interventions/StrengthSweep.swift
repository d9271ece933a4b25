import PrismCore
import PrismMetrics
import PrismModels
import PrismTensor

/// How steering's effect grows with its strength, and what it costs in fluency: a strength at which the model is both changed
/// and still writes what the clean model finds likely is a good one.
public struct StrengthSweep: Encodable, Sendable {
    public struct Row: Encodable, Sendable {
        public let strength: Float
        /// What the changed model writes behind the prompt.
        public let continuation: String
        /// Mean over the continuation's tokens of KL(clean ‖ changed) of what is predicted there, in nats.
        public let effect: Double
        /// Mean over them of −log p(token) under the clean model, in nats: high where the text is not fluent, or is about
        /// something that the prompt did not announce.
        public let loss: Double
        /// Share of its tokens that differ from one another: low where it repeats itself.
        public let distinct: Double
    }

    public let rows: [Row]

    /// - edits: what to do at each strength.
    /// - count: tokens of each continuation.
    /// - Throws: `PrismError.usage` as `EditPlan`, and for an edit that touches no position.
    public init(
        _ prompt: [Int32], strengths: [Float], _ edits: (Float) -> [Edit], _ model: Transformer, _ tokenizer: Tokenizer,
        _ surroundings: EditPlan.Surroundings, count: Int, sampling: Sampling = .greedy
    ) throws {
        var surroundings = surroundings
        surroundings.promptLengths = [prompt.count]
        surroundings.text = { tokenizer.text(of: $0) }
        let stop = Set([tokenizer.eosID].compactMap(\.self))
        let vocabulary = model.configuration.vocabularySize
        let progress = Progress("steering", total: strengths.count, unit: "strengths")
        rows = try strengths.map { strength in
            let edits = edits(strength)
            let plan = try EditPlan(edits, model, surroundings)
            let written = try model.generate(
                prompt: prompt, count: count, sampling: sampling, seed: surroundings.seed, stop: stop,
                interventions: plan.interventions)
            let logits = try [[], plan.interventions].map {
                try model.logits(prompt + written, interventions: $0, workers: surroundings.workers)
            }
            try plan.requireSelection(edits)
            var (effect, loss) = (0.0, 0.0)
            for (place, token) in written.enumerated() {
                let rows = logits.map { $0[prompt.count - 1 + place] }
                let sums = rows.map { logSumExp($0, count: vocabulary) }
                effect += divergence(rows[0], sums[0], rows[1], sums[1], count: vocabulary)
                loss += sums[0] - Double(rows[0][Int(token)])
            }
            progress.advance()
            let tokens = Double(max(1, written.count))
            return Row(
                strength: strength, continuation: tokenizer.decode(written), effect: effect / tokens,
                loss: loss / tokens, distinct: Double(Set(written).count) / tokens)
        }
        progress.finish()
    }
}
