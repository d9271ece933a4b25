import PrismCore

/// Two prompts that differ in what decides the answer: the minimal pair that activation patching moves activations between
/// (Vig et al. 2020; Meng et al. 2022).
///
/// How far a run answers as the clean prompt asks is the log odds m after the last token (see `TokenChoice`).
public struct PromptPair: TokenChoice, Hashable, Sendable {
    /// Token ids, as many in both; BOS included where the tokenizer adds one.
    public let clean, corrupt: [Int32]
    /// Tokens that are right after the clean prompt, and what to weigh them against; none is in both.
    public let answers, foils: [Int32]
    /// Positions with names, the same in both prompts, such as "S2"; "end" is the last.
    public let labels: [String: Int]

    /// - Throws: `PrismError.badData` if the prompts differ in length or nowhere, or answers and foils are not disjoint and
    ///   there.
    public init(clean: [Int32], corrupt: [Int32], answers: [Int32], foils: [Int32], labels: [String: Int] = [:]) throws
    {
        guard clean.count == corrupt.count else {
            throw PrismError.badData(
                "the clean prompt has \(clean.count) tokens and the corrupt one \(corrupt.count); patching goes from position to position: make them equally long"
            )
        }
        guard clean != corrupt else {
            throw PrismError.badData("the clean prompt and the corrupt one are the same; nothing can be patched")
        }
        guard !answers.isEmpty, !foils.isEmpty, Set(answers).isDisjoint(with: foils) else {
            throw PrismError.badData("a pair needs an answer and a foil, and no token can be both")
        }
        (self.clean, self.corrupt, self.answers, self.foils) = (clean, corrupt, answers, foils)
        precondition(labels.values.allSatisfy(clean.indices.contains))
        self.labels = labels.merging(["end": clean.count - 1]) { $1 }
    }

    /// Where the prompts begin to differ. Before it both runs are the same.
    public var firstDifference: Int { zip(clean, corrupt).enumerated().first { $1.0 != $1.1 }!.offset }

    /// What a position is called: the label at it or the nearest one before, and how far that is: "S1", "S1+2"; before all
    /// labels its number.
    public func name(ofPosition position: Int) -> String {
        let before = labels.filter { $0.value <= position }.max { ($0.value, $1.key) < ($1.value, $0.key) }
        guard let before else { return "\(position)" }
        return before.value == position ? before.key : "\(before.key)+\(position - before.value)"
    }
}
