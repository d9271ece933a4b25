import Foundation
import PrismActivations
import PrismCore
import PrismFormats
import PrismModels
import PrismTensor

/// Training of a small language model from text: a tokenizer, then a transformer, then its loss on held-out documents.
///
/// The folder ends as a Hugging Face model (`config.json`, `model.safetensors`, `tokenizer.json`), which Prism and
/// transformers open as it is; `training.json`, `metrics.jsonl` and `evaluation.json` tell how it came about. A run that was
/// cut off goes on from its newest checkpoint and ends with the bytes it would have had.
public struct ModelTraining {
    public let folder: URL
    public let configuration: LanguageModelConfiguration
    private let corpus: Corpus
    private let workers: Workers

    /// Everything needed to repeat a run.
    struct Record: Codable {
        let version: String
        /// Files and folders of text; relative ones begin at the run's folder.
        let text: [String]
        /// SHA-256 over the names and digests of the documents.
        let digest: String
        let configuration: LanguageModelConfiguration
    }

    /// How well a model predicts documents that training never saw.
    public struct Evaluation: Codable, Sendable {
        /// Tokens predicted.
        public let tokens: Int
        /// Mean −log p(next token), in nats.
        public let nats_per_token: Double
        /// The same in bits for each byte of the text, which does not depend on the tokenizer.
        public let bits_per_byte: Double
        /// Cross-entropy of always predicting by the tokens' frequencies in the same text, in nats.
        public let unigram_nats_per_token: Double
    }

    /// What a configuration may say.
    public static var settings: [String] {
        let fields = (try? YAMLSettings(LanguageModelConfiguration()).keys) ?? []
        return (fields + ["text"]).sorted()
    }

    private var record: URL { folder.appending(path: "training.json") }
    private var metrics: URL { folder.appending(path: "metrics.jsonl") }
    private var evaluation: URL { folder.appending(path: "evaluation.json") }
    private var checkpoints: Checkpoints { Checkpoints(folder.appending(path: "checkpoints")) }

    /// Begins a run by a YAML file: the fields of `LanguageModelConfiguration` in snake case, and `text`, a path or several.
    /// - Throws: `PrismError` that names the file and the setting.
    public init(_ file: URL, at folder: URL, workers: Workers = Workers()) throws {
        var settings = try YAMLSettings(LanguageModelConfiguration())
        var text: [String] = []
        do {
            for (key, value) in try YAMLFile.settings(file).sorted(by: { $0.key < $1.key }) {
                if key == "text" {
                    text = (value as? [Any] ?? [value]).map { "\($0)" }
                } else if try !settings.set(key, value) {
                    throw PrismError.usage(
                        "there is no setting ‘\(key)’; known are \(Self.settings.joined(separator: ", "))"
                    )
                }
            }
            guard !text.isEmpty else { throw PrismError.usage("‘text’ is missing: name files or folders to train on") }
            try settings.configuration.validate()
        } catch let error as PrismError {
            throw PrismError(error.kind, error.kind == .usage ? "\(file.path): \(error.message)" : error.message)
        }
        corpus = try Corpus(paths: text.map { URL(filePath: $0) })
        try Files.createOutput(folder)
        (self.folder, self.workers, configuration) = (folder, workers, settings.configuration)
        try Files.writeAtomically(
            JSONEncoder.prism.encode(
                Record(
                    version: prismVersion, text: text.map { $0.recorded(in: folder) },
                    digest: try corpus.digest(), configuration: configuration)),
            to: record)
    }

    /// Goes on with a run that was cut off.
    /// - Throws: `PrismError.usage` if there is none, or its text is not what it was.
    public init(resuming folder: URL, workers: Workers = Workers()) throws {
        (self.folder, self.workers) = (folder, workers)
        let url = folder.appending(path: "training.json")
        guard FileManager.default.fileExists(atPath: url.path) else {
            throw PrismError.usage("\(folder.path) is no training of a model: it holds no training.json")
        }
        guard let record = try? JSONDecoder().decode(Record.self, from: Files.read(url)) else {
            throw PrismError.badData("\(url.path) is damaged or of another version of Prism; start a new run")
        }
        configuration = record.configuration
        corpus = try Corpus(paths: record.text.map { URL(filePath: $0.located(from: folder)) })
        guard try corpus.digest() == record.digest else {
            throw PrismError.usage(
                "the text has changed since \(folder.path) began; put the old one back or start a new run")
        }
    }

    /// Does what is left to do. - Returns: how good the model became.
    /// - Throws: after Ctrl-C a `PrismError.runFailed` that says how to go on.
    public func finish() throws -> Evaluation {
        if let data = try? Files.read(evaluation), let known = try? JSONDecoder().decode(Evaluation.self, from: data) {
            return known
        }
        let tokenizer = try tokenizer()
        var contexts = ContextConfiguration()
        (contexts.length, contexts.heldOutShare) = (configuration.context, configuration.heldOut)
        contexts.seed = configuration.seed
        let text = try TokenContexts(
            corpus, tokenizer: tokenizer, contexts, trainingTokens: .max, heldOutTokens: configuration.evaluationTokens)
        let trainer = LanguageModelTrainer(configuration, vocabulary: tokenizer.vocabularyCount, workers: workers)
        _ = try checkpoints.restore(trainer)
        try train(trainer, text.training.map(\.tokens))
        try trainer.save(to: folder)
        let result = try evaluate(trainer.model(), text.heldOut, tokenizer)
        try Files.writeAtomically(JSONEncoder.prism.encode(result), to: evaluation)
        return result
    }

    /// The tokenizer, trained on the documents that the model trains on, unless the folder has it.
    private func tokenizer() throws -> Tokenizer {
        if FileManager.default.fileExists(atPath: folder.appending(path: "tokenizer_config.json").path) {
            return try Tokenizer(loading: folder)
        }
        let documents = corpus.documents.filter {
            !$0.isHeldOut(share: configuration.heldOut, seed: configuration.seed)
        }
        let progress = Progress("training the tokenizer", total: documents.count, unit: "documents")
        var failure: Error?
        let trained = try Tokenizer.trained(
            on: documents.lazy.map { document in
                progress.advance()
                do {
                    return try Files.read(document.url)
                } catch {
                    failure = failure ?? error
                    return Data()
                }
            }, vocabulary: configuration.vocabulary)
        progress.finish()
        if let failure { throw failure }
        try trained.write(to: folder)
        return trained.tokenizer
    }

    private func train(_ trainer: LanguageModelTrainer, _ contexts: [[Int32]]) throws {
        let log = try MetricsLog<Line>(metrics, events: nil, continuingAfter: trainer.step)
        let progress = Progress("training", total: configuration.steps, unit: "steps", alreadyDone: trainer.step)
        var epochs = Epochs(contexts, seed: configuration.seed)
        func save() throws {
            try log.synchronise()
            try checkpoints.save(trainer)
        }
        while trainer.step < configuration.steps {
            let first = trainer.step * configuration.batch
            let report = try trainer.train(on: (first..<first + configuration.batch).map { epochs[$0] })
            try log.append(Line(step: trainer.step, report))
            progress.advance(note: String(format: "loss %.3f", report.loss))
            let interval = configuration.checkpointEvery
            let isLast = trainer.step == configuration.steps
            if isLast || interval > 0 && trainer.step % interval == 0 || Interrupt.isRequested { try save() }
            if Interrupt.isRequested, !isLast {
                throw PrismError.runFailed(
                    "stopped at step \(trainer.step) of \(configuration.steps); go on with `prism model train --resume \(folder.path)`"
                )
            }
        }
        progress.finish()
    }

    private func evaluate(_ model: Transformer, _ contexts: [TokenContext], _ tokenizer: Tokenizer) throws -> Evaluation
    {
        let tokens = contexts.map(\.tokens)
        let mean = try model.crossEntropy(tokens, workers: workers)
        let predicted = tokens.flatMap { $0.dropFirst() }
        let bytes = predicted.reduce(0) { $0 + tokenizer.bytes(of: $1).count }
        var counts: [Int32: Int] = [:]
        for token in predicted { counts[token, default: 0] += 1 }
        let entropy = counts.values.sorted().reduce(0.0) { sum, count in
            let share = Double(count) / Double(predicted.count)
            return sum - share * log(share)
        }
        return Evaluation(
            tokens: predicted.count, nats_per_token: mean,
            bits_per_byte: mean * Double(predicted.count) / Double(max(1, bytes)) / log(2),
            unigram_nats_per_token: entropy)
    }

    private struct Line: MetricsLine {
        let step: Int
        let loss, activity, gradient_norm, learning_rate: Double

        init(step: Int, _ report: LanguageModelTrainer.Report) {
            self.step = step
            (loss, activity, gradient_norm) = (report.loss, report.activity, report.gradientNorm)
            learning_rate = Double(report.rate)
        }
    }
}

/// Contexts without end: all of them in a random order, then in another, and so on. Which one comes at a place follows from
/// the seed alone.
private struct Epochs {
    private let contexts: [[Int32]]
    private let seed: UInt64
    private var epoch = -1
    private var order: [Int] = []

    init(_ contexts: [[Int32]], seed: UInt64) {
        self.contexts = contexts
        self.seed = seed
    }

    subscript(place: Int) -> [Int32] {
        mutating get {
            let (wanted, index) = place.quotientAndRemainder(dividingBy: contexts.count)
            if wanted != epoch {
                var random = SeededGenerator(seed: seed, stream: "epoch \(wanted)")
                (epoch, order) = (wanted, contexts.indices.shuffled(using: &random))
            }
            return contexts[order[index]]
        }
    }
}
