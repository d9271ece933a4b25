import Foundation
import PrismActivations
import PrismAtlas
import PrismCore
import PrismDictionaries
import PrismMetrics
import PrismModels
import PrismTensor

/// The main job: harvest, train, evaluate, explain, report.
///
/// Each stage leaves its result in the run's folder. A run that was cut off goes on from its newest checkpoint, and ends
/// with the bytes it would have had.
public struct Discovery {
    public let run: Run
    public let configuration: DiscoveryConfiguration
    private let normCeiling: Float
    private let input: RunInput
    private let workers: Workers

    /// Opens the input and makes the run's folder.
    public init(_ configuration: DiscoveryConfiguration, at folder: URL, workers: Workers = Workers()) throws {
        try configuration.validate()
        try Run.requireFree(folder)
        var resolved = configuration
        input = try RunInput(configuration)
        let source = input.source(configuration)
        // `tokens` stays the budget that was asked for: contexts are drawn by it, so resuming draws the same ones.
        resolved.training.seed = configuration.contexts.seed
        resolved.training.steps = try Self.stream(source, resolved, .infinity, workers).steps
        try resolved.training.validate(Wiring(width: source.width))
        normCeiling = try source.normCeiling(multiple: resolved.normLimit, workers: workers)
        self.configuration = resolved
        self.workers = workers
        run = try Run(
            creating: folder,
            Run.Record(
                version: prismVersion, configuration: resolved, normCeiling: normCeiling, digests: try input.digests()))
    }

    /// Goes on with a run that was cut off.
    /// - Throws: `PrismError.usage` if its model or text is not what it was.
    public init(resuming folder: URL, workers: Workers = Workers()) throws {
        run = try Run(folder)
        let record = try run.readRecord()
        configuration = record.configuration
        normCeiling = record.normCeiling
        self.workers = workers
        input = try RunInput(configuration)
        for (name, digest) in try input.digests().sorted(by: { $0.key < $1.key }) where record.digests[name] != digest {
            throw PrismError.usage(
                "the \(name) has changed since \(folder.path) began; put the old one back or start a new run")
        }
    }

    /// Does what is left to do. - Returns: where the report is.
    /// - Throws: after Ctrl-C a `PrismError.runFailed` that says how to go on.
    public func finish() throws -> URL {
        do {
            return try finished()
        } catch let error as PrismError where error == .interrupted {
            throw PrismError.runFailed("stopped; go on with `prism discover --resume \(run.folder.path)`")
        }
    }

    private func finished() throws -> URL {
        let dictionary = try train()
        let evaluation = try run.evaluate(dictionary, input, configuration.hook, workers: workers)
        try Files.writeAtomically(JSONEncoder.prism.encode(evaluation), to: run.evaluation)
        try dictionary.save(to: run.dictionary, metadata: metadata(), frequencies: evaluation.density)
        let atlas = try explain(dictionary, evaluation)
        try Report.write(atlas: atlas, run: try atlas.run(), to: run.report)
        return run.report
    }

    // MARK: Training

    private func train() throws -> SparseDictionary {
        let source = input.source(configuration)
        let training = configuration.training
        let trainer = try DictionaryTrainer(training, Wiring(width: source.width), workers: workers)
        var stream = try Self.stream(source, configuration, normCeiling, workers)
        let resumed = try run.checkpoints.restore(trainer)
        let log = try MetricsLog(run.metrics, continuingAfter: trainer.step)
        let progress = Progress("training", total: training.steps, unit: "steps", alreadyDone: trainer.step)
        while trainer.step < training.steps {
            let vectors = try progress.pausing { try batch(of: trainer.step, from: &stream) }
            if !resumed && trainer.step == 0 { trainer.initialise(from: vectors) }
            let report = try trainer.train(on: vectors)
            try log.append(.init(step: trainer.step, report, latents: training.latents))
            progress.advance(note: "FVU \(String(format: "%.3f", report.fvu))")
            let isDue = training.checkpointEvery > 0 && trainer.step % training.checkpointEvery == 0
            if isDue || trainer.step == training.steps || Interrupt.isRequested {
                try log.synchronise()
                try run.checkpoints.save(trainer)
            }
            if Interrupt.isRequested {
                throw PrismError.runFailed(
                    "stopped at step \(trainer.step) of \(training.steps); go on with `prism discover --resume \(run.folder.path)`"
                )
            }
        }
        progress.finish()
        return trainer.dictionary()
    }

    private static func stream(
        _ source: any ActivationSource, _ configuration: DiscoveryConfiguration, _ normCeiling: Float,
        _ workers: Workers
    ) throws -> BatchStream {
        try BatchStream(
            source, batch: configuration.training.batch, capacity: configuration.buffer, passes: configuration.passes,
            normCeiling: normCeiling, seed: configuration.contexts.seed, workers: workers)
    }

    /// The batch of a step, with a progress line of its own where the source must be read for it.
    private func batch(of step: Int, from stream: inout BatchStream) throws -> Tensor {
        guard stream.needsRead(step: step) else { return try stream.batch(step: step) }
        let progress = Progress("harvesting", total: stream.capacity, unit: "vectors")
        let batch = try stream.batch(step: step) {
            progress.advance(by: $0)
            try Interrupt.check()
        }
        progress.finish()
        return batch
    }

    private func metadata() -> SAELensMetadata {
        guard configuration.model != nil else { return SAELensMetadata() }
        return SAELensMetadata(
            modelName: configuration.modelName, hookName: configuration.hook.name,
            contextSize: configuration.contexts.length, prependBOS: configuration.contexts.prependBOS,
            excludeSpecialTokens: true, datasetPath: configuration.text.joined(separator: " "))
    }

    // MARK: Explaining

    private func explain(_ dictionary: SparseDictionary, _ evaluation: Evaluation) throws -> Atlas {
        let builder = try AtlasBuilder(
            run.atlas, latentCount: dictionary.latentCount, seed: configuration.contexts.seed)
        switch input {
        case .model(let model, let tokenizer, let corpus, let contexts):
            for (index, document) in corpus.documents.enumerated() {
                try builder.add(document: index, title: document.name, source: document.source)
            }
            try gather(dictionary, model, contexts.heldOut + contexts.training, into: builder)
            var directions = LatentDirections(
                decoder: dictionary.decoder, encoderBiases: dictionary.encoderBias.values, unembedding: nil,
                finalNormWeight: nil, workers: workers)
            if let residual = model.residualRows(of: dictionary.decoder, at: configuration.hook) {
                // What is read behind the final norm has its weight already.
                let weight = configuration.hook == .finalNorm ? nil : model.finalNormWeight.values
                directions.logitEffects = logitEffects(
                    decoder: residual, unembedding: model.unembeddingMatrix(workers: workers), finalNormWeight: weight,
                    count: 10, workers: workers)
            }
            return try builder.finish(
                run: try summary(evaluation, corpus: corpus), directions: directions,
                vocabulary: (0..<Int32(model.configuration.vocabularySize)).map(tokenizer.bytes(of:)))
        case .matrix(let matrix, let training, let heldOut):
            return try explain(dictionary, evaluation, matrix, groups: heldOut + training, into: builder)
        case .synthetic(_, let matrix, let heldOut):
            return try explain(dictionary, evaluation, matrix, groups: heldOut, into: builder)
        }
    }

    private func explain(
        _ dictionary: SparseDictionary, _ evaluation: Evaluation, _ matrix: Tensor, groups: [[Int]],
        into builder: AtlasBuilder
    ) throws -> Atlas {
        try gather(dictionary, matrix, groups: groups.below(normCeiling, in: matrix), into: builder)
        let directions = LatentDirections(
            decoder: dictionary.decoder, encoderBiases: dictionary.encoderBias.values, unembedding: nil,
            finalNormWeight: nil, workers: workers)
        return try builder.finish(
            run: try summary(evaluation, corpus: nil), directions: directions, vocabulary: [Data("·".utf8)])
    }

    /// Encodes contexts, held-out ones first, until the atlas has the vectors it wants.
    private func gather(
        _ dictionary: SparseDictionary, _ model: Transformer, _ contexts: [TokenContext], into builder: AtlasBuilder
    ) throws {
        let available = contexts.reduce(0) { $0 + $1.positions.count }
        let progress = Progress(
            "gathering examples", total: min(configuration.atlasTokens, available), unit: "tokens")
        var gathered = 0
        for start in stride(from: 0, to: contexts.count, by: 64) where gathered < configuration.atlasTokens {
            try Interrupt.check()
            let chunk = Array(contexts[start..<min(start + 64, contexts.count)])
            let captured = try model.run(
                ForwardRequest(contexts: chunk.map(\.tokens), capture: [configuration.hook]), workers: workers)
            let x = captured[configuration.hook]
            let used = chunk.indices.map {
                chunk[$0].usedPositions(x.rows(captured.rows(ofContext: $0)), below: normCeiling)
            }
            let rows = chunk.indices.flatMap { captured.rows(of: used[$0], inContext: $0) }
            let codes = dictionary.encode(x.gathered(rows), workers: workers)
            var row = 0
            for context in used {
                let count = context.positions.count
                try builder.add(
                    tokens: context.tokens, document: context.document, positions: context.positions.map(Int.init),
                    codes: codes.rows(row..<row + count))
                row += count
            }
            gathered += row
            progress.advance(by: row)
        }
        progress.finish()
    }

    /// Without a model a group of rows takes the place of a context, and a dot that of each token.
    private func gather(
        _ dictionary: SparseDictionary, _ matrix: Tensor, groups: [[Int]], into builder: AtlasBuilder
    ) throws {
        let available = groups.reduce(0) { $0 + $1.count }
        let progress = Progress(
            "gathering examples", total: min(configuration.atlasTokens, available), unit: "vectors")
        let source = URL(filePath: configuration.activations ?? "").lastPathComponent
        var gathered = 0
        for (index, group) in groups.enumerated() where gathered < configuration.atlasTokens && !group.isEmpty {
            try Interrupt.check()
            try builder.add(document: index, title: "rows \(group[0])–\(group[group.count - 1])", source: source)
            for start in stride(from: 0, to: group.count, by: 128) {
                let rows = Array(group[start..<min(start + 128, group.count)])
                try builder.add(
                    tokens: rows.map { _ in 0 }, document: index, positions: Array(rows.indices),
                    codes: dictionary.encode(matrix.gathered(rows), workers: workers))
            }
            gathered += group.count
            progress.advance(by: group.count)
        }
        progress.finish()
    }

    // MARK: Summary

    private func summary(_ evaluation: Evaluation, corpus: Corpus?) throws -> RunSummary {
        let training = configuration.training
        let source = input.source(configuration)
        let lines = try MetricsLog.read(run.metrics)
        func curve(_ value: (MetricsLog.Line) -> Double) -> [RunSummary.CurvePoint] {
            lines.map { .init(step: $0.step, value: value($0)) }
        }
        let share = Int((configuration.contexts.heldOutShare * 100).rounded())
        let split =
            switch input {
            case .model: "\(share)% of the documents"
            case .matrix: "\(share)% of the groups of rows"
            case .synthetic: "other draws of the same features"
            }
        return RunSummary(
            title: run.folder.lastPathComponent, model: configuration.modelName ?? configuration.activations ?? "",
            hook: configuration.model == nil ? "" : configuration.hook.name,
            dictionary: .init(
                architecture: "TopK", latents: training.latents,
                width: source.width, k: training.k,
                notes: [
                    "AuxK", "\(training.steps) steps of \(training.batch) vectors",
                    "selection in \(training.precision.rawValue)",
                ]),
            data: .init(
                sources: corpus.map { Array(Set($0.documents.map(\.source))).sorted() } ?? [],
                trainingTokens: min(configuration.tokens, source.vectorCount),
                heldOutTokens: evaluation.tokens, heldOutContexts: evaluation.contexts,
                split: split,
                leftOut: corpus == nil
                    ? "attention sinks" : "the first position of each context, special tokens and attention sinks"),
            metrics: evaluation.metrics.filter(\.value.value.isFinite).mapValues {
                .init(value: $0.value, low: $0.low, high: $0.high)
            },
            curves: [
                "fvu": curve(\.fvu), "l0": curve(\.l0), "dead_fraction": curve(\.dead_fraction),
                "learning_rate": curve(\.learning_rate),
            ])
    }
}

extension DiscoveryConfiguration {
    /// The model's file or folder name, without its ending.
    public var modelName: String? { model.map { URL(filePath: $0).deletingPathExtension().lastPathComponent } }
}

extension Run {
    /// Measures a dictionary on the run's held-out part.
    public func evaluate(
        _ dictionary: SparseDictionary, _ input: RunInput, _ hook: HookPoint, workers: Workers
    ) throws -> Evaluation {
        let normCeiling = try readRecord().normCeiling
        return switch input {
        case .model(let model, _, _, let contexts):
            try Evaluation(
                of: dictionary, in: model, hook: hook, contexts: contexts.heldOut, normCeiling: normCeiling,
                workers: workers)
        case .matrix(let matrix, _, let heldOut):
            try Evaluation(
                of: dictionary, on: matrix, groups: heldOut.below(normCeiling, in: matrix), workers: workers)
        case .synthetic(let truth, let matrix, let heldOut):
            try Evaluation(
                of: dictionary, on: matrix, groups: heldOut.below(normCeiling, in: matrix), workers: workers
            ).adding(dictionary, against: truth, workers: workers)
        }
    }
}

extension [[Int]] {
    /// The groups without the rows that are attention sinks, and without groups of nothing else.
    fileprivate func below(_ ceiling: Float, in matrix: Tensor) -> [[Int]] {
        map { $0.filter { matrix.norm(ofRow: $0) <= ceiling } }.filter { !$0.isEmpty }
    }
}
