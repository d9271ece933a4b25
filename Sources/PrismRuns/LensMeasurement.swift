import Foundation
import PrismActivations
import PrismCausal
import PrismCore
import PrismModels
import PrismTensor

/// Reads a model's residual stream through lenses, and tunes one.
public struct LensMeasurement: Sendable {
    public let subject: CausalSubject
    public var workers = Workers()

    public init(_ subject: CausalSubject) { self.subject = subject }

    /// What a prompt's positions predict at each layer.
    /// - tuned: a file that `train` made; nil for the logit lens. top: likeliest tokens to list.
    public func reading(_ prompt: String, tuned: URL?, top: Int) throws -> LensReading {
        let vocabulary = subject.model.configuration.vocabularySize
        guard (1...vocabulary).contains(top) else {
            throw PrismError.usage("tokens to show must lie between 1 and the model's \(vocabulary), not be \(top)")
        }
        let lens = Lens(subject.model, tuned: try tuned.map { try TunedLens(loading: $0, for: subject.model) })
        return try LensReading(
            subject.tokens(of: prompt), lens, top: top, workers: workers
        ) { subject.tokenizer.text(of: $0) }
    }

    /// Tunes a lens on text, writes it, and measures it on documents that it was not trained on. Contexts begin as the prompts
    /// do that it will read.
    /// - context: tokens of one. steps: a context each. measured: tokens of the other documents.
    public func train(
        text: [URL], context: Int, steps: Int, measured: Int, seed: UInt64, to url: URL
    ) throws -> [LensDivergence] {
        var configuration = ContextConfiguration()
        (configuration.length, configuration.prependBOS) = (context, subject.tokenizer.addsBOS)
        configuration.seed = seed
        try configuration.validate(modelContext: subject.model.configuration.contextLength)
        let contexts = try TokenContexts(
            Corpus(paths: text), tokenizer: subject.tokenizer, configuration, trainingTokens: steps * context,
            heldOutTokens: measured)
        var tuning = TunedLensConfiguration()
        tuning.seed = seed
        let chosen = Array(contexts.training.prefix(steps))
        let training = Progress("tuning the lens", total: chosen.count, unit: "steps")
        let lens = try TunedLens(training: subject.model, on: chosen, tuning, progress: training, workers: workers)
        training.finish()
        try lens.save(to: url, for: subject.model)
        let measuring = Progress("measuring", total: contexts.heldOut.count, unit: "contexts")
        defer { measuring.finish() }
        return try LensDivergence.measured(
            subject.model, lens, contexts.heldOut, progress: measuring, workers: workers)
    }
}
