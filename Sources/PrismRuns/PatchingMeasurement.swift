import PrismCausal
import PrismCore
import PrismTensor

/// Patches activations in a model, with latents of runs if they are named, between the prompts of a task or a file.
public struct PatchingMeasurement {
    private let patching: Patching
    private let prompts: PromptSource
    private let workers: Workers

    /// - patching: of no sites for the usual ones: those of a model, or a run's latents.
    public init(_ patching: Patching, _ prompts: PromptSource, workers: Workers) {
        (self.patching, self.prompts, self.workers) = (patching, prompts, workers)
    }

    /// - names: a model alone, or runs of one model.
    /// - Throws: `PrismError` if something cannot be opened, or does not fit what is to be patched.
    public func report(of names: [String]) throws -> PatchingReport {
        let subject = try CausalSubject(names)
        var patching = patching
        if patching.sites.isEmpty { patching.sites = subject.dictionaries.isEmpty ? Patching().sites : [.latents] }
        let pairs = try prompts.pairs(subject.tokenizer)
        let heading = PatchingReport.Heading(
            model: CausalSubject.title(names), task: prompts.name, example: pairs[0], subject.tokenizer)
        return try patching.report(
            on: subject.model, pairs, dictionaries: subject.dictionaries, heading, workers: workers)
    }
}
