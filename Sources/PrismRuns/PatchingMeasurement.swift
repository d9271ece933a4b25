import Foundation
import PrismCausal
import PrismCore
import PrismTensor

/// Patches activations in a model, with latents of runs if they are named, between the prompts of a task or a file.
public struct PatchingMeasurement {
    private let patching: Patching
    private let prompts: PromptSource
    private let workers: Workers

    public init(_ patching: Patching, _ prompts: PromptSource, workers: Workers) {
        (self.patching, self.prompts, self.workers) = (patching, prompts, workers)
    }

    /// - names: a model alone, or runs of one model.
    /// - Throws: `PrismError` if something cannot be opened, or does not fit what is to be patched.
    public func report(of names: [String]) throws -> PatchingReport {
        let subject = try CausalSubject(names)
        return try patching.report(
            on: subject.model, try prompts.pairs(subject.tokenizer), dictionaries: subject.dictionaries,
            named: (names.map { URL(filePath: $0).lastPathComponent }.joined(separator: ", "), prompts.name),
            workers: workers)
    }
}
