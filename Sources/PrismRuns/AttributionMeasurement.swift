import PrismCausal
import PrismCore
import PrismTensor

/// Attribution of a model's answers: of one prompt in full, or of a task's, each method beside exact ablation.
public struct AttributionMeasurement: Sendable {
    public let subject: CausalSubject
    public var units = AttributionUnits.heads
    public var workers = Workers()

    /// Tokens of a run's held-out text that means are taken over.
    private static let referenceTokens = 2000

    public init(_ subject: CausalSubject) { self.subject = subject }

    /// Where the units of a prompt that has no corrupt counterpart are taken to.
    public enum Baseline: String, CaseIterable, Sendable {
        /// Zero, or their mean over the run's held-out text.
        case zero, mean
    }

    /// What drives one answer.
    /// - target: what to explain, against `foil` if there is one, both single tokens.
    /// - corrupt: a prompt as long, whose activations are the baseline; nil for `baseline`.
    /// - top: units to list; the first `verified` are ablated.
    public func report(
        _ prompt: String, target: String, foil: String?, corrupt: String?, baseline: Baseline,
        method: AttributionMethod, top: Int, verified: Int
    ) throws -> AttributionReport {
        let reference: AttributionQuestion.Baseline =
            switch baseline {
            case _ where corrupt != nil: .zero
            case .zero: .zero
            case .mean: .mean(try subject.heldOut(tokens: Self.referenceTokens).map(\.tokens))
            }
        let question = try AttributionQuestion(
            prompt, target: target, foil: foil, corrupt: corrupt, otherwise: reference, subject.tokenizer)
        let run = try AttributedRun(subject.model, question, places(), workers: workers)
        return try AttributionReport(run, method, top: top, verified: verified) { subject.tokenizer.text(of: $0) }
    }

    /// How far methods agree with ablation on pairs of prompts, the clean one against the corrupt.
    /// - most: units of a prompt to ablate, drawn at random if there are more.
    public func agreement(_ prompts: PromptSource, most: Int, seed: UInt64) throws -> AttributionAgreement {
        let questions = try prompts.pairs(subject.tokenizer).map { try AttributionQuestion($0) }
        let progress = Progress("attributing", total: questions.count, unit: "prompts")
        defer { progress.finish() }
        return try AttributionAgreement(
            subject.model, questions, places(), most: most, seed: seed, progress: progress, workers: workers)
    }

    private func places() throws -> [AttributionPlace] {
        try units.places(subject.model.configuration, subject.dictionaries)
    }
}
