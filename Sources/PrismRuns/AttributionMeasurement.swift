import PrismAtlas
import PrismCausal
import PrismCore
import PrismTensor

/// Attribution of a model's answers: of one prompt in full, or of a task's, methods beside exact ablation.
public struct AttributionMeasurement: Sendable {
    public let subject: CausalSubject
    public var units = AttributionUnits.heads
    public var workers = Workers()

    public init(_ subject: CausalSubject) { self.subject = subject }

    /// What drives one answer.
    /// - target: what to explain, against `foil` if there is one, both single tokens.
    /// - top: units to list; the first `verified` are ablated.
    public func report(
        _ prompt: String, target: String, foil: String?, baseline: AttributionQuestion.Baseline,
        method: AttributionMethod, top: Int, verified: Int
    ) throws -> AttributionReport {
        let question = try AttributionQuestion(
            (subject.tokens(of: prompt), prompt), target: target, foil: foil, baseline: baseline, subject.tokenizer)
        let run = try AttributedRun(subject.model, question, places(), workers: workers)
        let atlases = units == .latents ? try subject.members.map { try $0.map { try Atlas($0.atlas) } } : []
        return try AttributionReport(run, method, top: top, verified: verified) {
            subject.tokenizer.text(of: $0)
        } label: { unit in
            guard let latent = unit.index, units == .latents else { return nil }
            return try atlases[unit.place]?.latent(latent).label(subject.tokenizer)
        }
    }

    /// How far methods agree with ablation on pairs of prompts, the clean one against the corrupt.
    /// - most: units of a prompt to ablate, drawn at random if there are more.
    public func agreement(
        _ prompts: PromptSource, methods: [AttributionMethod], most: Int, seed: UInt64
    ) throws -> AttributionAgreement {
        let questions = try prompts.pairs(subject.tokenizer).map(AttributionQuestion.init)
        let progress = Progress("attributing", total: questions.count, unit: "prompts")
        defer { progress.finish() }
        return try AttributionAgreement(
            subject.model, questions, places(), methods, most: most, seed: seed, progress: progress, workers: workers)
    }

    private func places() throws -> [AttributionPlace] {
        try units.places(subject.model.configuration, subject.dictionaries)
    }
}
