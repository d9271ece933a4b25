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
    /// - tuned: a file that `train` made; nil for the logit lens.
    public func reading(_ prompt: String, tuned: URL?, top: Int) throws -> LensReading {
        let lens = Lens(subject.model, tuned: try tuned.map { try TunedLens(loading: $0, for: subject.model) })
        return try LensReading(
            subject.tokens(of: prompt), lens, top: top, workers: workers
        ) { subject.tokenizer.text(of: $0) }
    }

    /// Tunes a lens on text, writes it, and measures it on documents that it was not trained on.
    /// - steps: a context of text each. measured: tokens of the other documents.
    public func train(
        text: [URL], contexts configuration: ContextConfiguration, steps: Int, measured: Int, to url: URL
    ) throws -> [LensDivergence] {
        try configuration.validate(modelContext: subject.model.configuration.contextLength)
        let contexts = try TokenContexts(
            Corpus(paths: text), tokenizer: subject.tokenizer, configuration,
            trainingTokens: steps * configuration.length, heldOutTokens: measured)
        var tuning = TunedLensConfiguration()
        tuning.seed = configuration.seed
        let chosen = contexts.training.prefix(steps).map(\.tokens).filter { $0.count > 1 }
        let training = Progress("tuning the lens", total: chosen.count, unit: "steps")
        let lens = try TunedLens(training: subject.model, on: chosen, tuning, progress: training, workers: workers)
        training.finish()
        try lens.save(to: url, for: subject.model)
        let measuring = Progress("measuring", total: contexts.heldOut.count, unit: "contexts")
        defer { measuring.finish() }
        return try LensDivergence.measured(
            [Lens(subject.model), Lens(subject.model, tuned: lens)], contexts.heldOut.map(\.tokens),
            progress: measuring, workers: workers)
    }
}
