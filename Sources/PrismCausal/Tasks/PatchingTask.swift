import PrismCore
import PrismModels

/// A question that a language model can answer, as pairs of prompts drawn from templates.
public struct PatchingTask: Sendable {
    public let name: String
    /// What a right answer takes.
    public let summary: String
    let draw: @Sendable (inout SeededGenerator) -> PromptDraft

    /// All of them.
    public static let all = [
        indirectObject, indirectObjectABC, greaterThan, induction, agreement, facts, pronouns, brackets,
    ]

    /// - Throws: `PrismError.usage` that suggests the nearest name.
    public init(_ name: String) throws {
        guard let found = Self.all.first(where: { $0.name == name }) else {
            let names = Self.all.map(\.name)
            throw PrismError.usage(
                "there is no task ‘\(name)’; the nearest is ‘\(name.nearest(among: names))’ of \(names.joined(separator: ", "))"
            )
        }
        self = found
    }

    init(_ name: String, _ summary: String, draw: @escaping @Sendable (inout SeededGenerator) -> PromptDraft) {
        (self.name, self.summary, self.draw) = (name, summary, draw)
    }

    /// Draws in a row without a new pair after which there are no more.
    private static let patience = 1000

    /// Different pairs, of words that are single tokens of the tokenizer. A draw that is not, or whose prompts differ in
    /// length, is drawn again.
    /// - Throws: `PrismError.usage` if the tokenizer splits too many words for as many pairs.
    public func pairs(count: Int, tokenizer: Tokenizer, seed: UInt64 = 0) throws -> [PromptPair] {
        var generator = SeededGenerator(seed: seed, stream: "task \(name)")
        var pairs: [PromptPair] = []
        var seen: Set<PromptPair> = []
        var misses = 0
        while pairs.count < count, misses < Self.patience {
            let draft = draw(&generator)
            if let pair = try? draft.pair(tokenizer), seen.insert(pair).inserted {
                pairs.append(pair)
                misses = 0
            } else {
                misses += 1
            }
        }
        guard pairs.count == count else {
            throw PrismError.usage(
                "the task \(name) has only \(pairs.count) pairs whose words are single tokens of this model, not \(count); ask for fewer or give your own prompts"
            )
        }
        return pairs
    }
}
