import Foundation
import PrismCausal
import PrismCore
import PrismTensor

/// Patches activations in a model, with latents of runs if they are named, between the prompts of a task or a file.
public struct PatchingMeasurement {
    public enum Prompts: Sendable {
        case task(PatchingTask, count: Int, seed: UInt64)
        case file(URL)
    }

    private let patching: Patching
    private let prompts: Prompts
    private let workers: Workers

    public init(_ patching: Patching, _ prompts: Prompts, workers: Workers) {
        (self.patching, self.prompts, self.workers) = (patching, prompts, workers)
    }

    /// - names: a model alone, or runs of one model.
    /// - Throws: `PrismError` if something cannot be opened, or does not fit what is to be patched.
    public func report(of names: [String]) throws -> PatchingReport {
        let subject = try CausalSubject(names)
        let (pairs, task): ([PromptPair], String) =
            switch prompts {
            case .task(let task, let count, let seed):
                (try task.pairs(count: count, tokenizer: subject.tokenizer, seed: seed), task.name)
            case .file(let url):
                (try PromptPairFile(url, tokenizer: subject.tokenizer).pairs, url.lastPathComponent)
            }
        return try patching.report(
            on: subject.model, pairs, dictionaries: subject.dictionaries,
            named: (names.map { URL(filePath: $0).lastPathComponent }.joined(separator: ", "), task), workers: workers)
    }
}
