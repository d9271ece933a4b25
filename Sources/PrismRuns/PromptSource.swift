import Foundation
import PrismCausal
import PrismModels

/// Where pairs of prompts come from.
public enum PromptSource: Sendable {
    case task(PatchingTask, count: Int, seed: UInt64)
    case file(URL)

    /// - Throws: `PrismError` for a file that cannot be read, and for words that are not single tokens.
    func pairs(_ tokenizer: Tokenizer) throws -> [PromptPair] {
        switch self {
        case .task(let task, let count, let seed): try task.pairs(count: count, tokenizer: tokenizer, seed: seed)
        case .file(let url): try PromptPairFile(url, tokenizer: tokenizer).pairs
        }
    }

    var name: String {
        switch self {
        case .task(let task, _, _): task.name
        case .file(let url): url.lastPathComponent
        }
    }
}
