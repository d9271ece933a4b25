import Foundation
import PrismCore
import PrismMetrics
import PrismModels
import PrismTensor

/// What the positions of a prompt predict at each layer, as a lens shows it.
public struct LensReading: Codable, Sendable {
    public struct Row: Codable, Sendable {
        public let hook: HookPoint
        /// By position.
        public let positions: [Position]
    }

    public struct Position: Codable, Sendable {
        /// The likeliest next tokens.
        public let next: [Token]
        /// KL(model ‖ lens), in nats.
        public let divergence: Double
    }

    public struct Token: Codable, Sendable {
        public let text: String
        public let probability: Double
    }

    /// The prompt's tokens.
    public let tokens: [String]
    /// The residual stream entering each block, and leaving the last.
    public let rows: [Row]

    /// - top: likeliest tokens to list.
    package init(
        _ prompt: [Int32], _ lens: Lens, top: Int, workers: Workers, text: (Int32) -> String
    ) throws {
        let hooks = Lens.hooks(lens.model)
        let run = try lens.model.run(ForwardRequest(contexts: [prompt], capture: hooks), workers: workers)
        let own = try lens.logits(run[hooks.last!], at: hooks.count - 1, workers: workers)
        tokens = prompt.map(text)
        rows = try hooks.enumerated().map { place, hook in
            let seen = try lens.logits(run[hook], at: place, workers: workers)
            let (vocabulary, rows) = (seen.rowWidth, prompt.indices)
            return Row(
                hook: hook,
                positions: rows.map { row in
                    let logits = UnsafeBufferPointer(start: seen[row], count: vocabulary)
                    let (before, after) = (
                        logSumExp(own[row], count: vocabulary), logSumExp(seen[row], count: vocabulary)
                    )
                    return Position(
                        next: topTokens(logits, top).map {
                            Token(text: text($0.token), probability: exp(Double($0.logit) - after))
                        },
                        divergence: divergence(own[row], before, seen[row], after, count: vocabulary))
                })
        }
    }
}
