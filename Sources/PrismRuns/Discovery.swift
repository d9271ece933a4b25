import Foundation
import PrismActivations
import PrismAtlas
import PrismCore
import PrismDictionaries
import PrismMetrics
import PrismModels
import PrismTensor

/// The main job: harvest, train, evaluate, explain, report. Several dictionaries share one stream of vectors and one pass
/// of the model for each stage.
///
/// Each stage leaves its result in the run's folder. A run that was cut off goes on from its newest checkpoints, and ends
/// with the bytes it would have had.
public struct Discovery {
    public let run: Run
    public let configuration: DiscoveryConfiguration
    let sinks: SinkFilter
    let input: RunInput
    /// The vectors to train on.
    let source: any ActivationSource
    let workers: Workers

    /// Opens the input and makes the run's folder.
    public init(_ configuration: DiscoveryConfiguration, at folder: URL, workers: Workers = Workers()) throws {
        try configuration.validate()
        try Run.requireFree(folder)
        var resolved = configuration.recorded(in: folder)
        input = try RunInput(resolved.located(from: folder))
        source = input.source(resolved)
        // `tokens` stays the budget that was asked for: contexts are drawn by it, so resuming draws the same ones.
        let steps = try BatchStream.Plan(
            vectors: source.vectorCount, batch: resolved.batch, capacity: resolved.buffer, passes: resolved.passes
        ).steps
        for i in resolved.dictionaries.indices {
            (resolved.dictionaries[i].training.batch, resolved.dictionaries[i].training.steps) = (resolved.batch, steps)
            do {
                try resolved.dictionaries[i].training.validate(resolved.dictionaries[i].wiring(source))
            } catch let error as PrismError where !resolved.dictionaries[i].name.isEmpty {
                throw PrismError(error.kind, "\(resolved.dictionaries[i].name): \(error.message)")
            }
        }
        // Of vectors as the text has them, so that the metrics of runs that oversample differently leave out the same.
        sinks = try SinkFilter(
            for: input.source(configuration, even: true), multiple: resolved.normLimit, workers: workers)
        // Before the training, not after it.
        if case .matrix(let matrix, _, _, let heldOut) = input { _ = try heldOut.without(sinks, in: matrix) }
        self.configuration = resolved.located(from: folder)
        self.workers = workers
        run = try Run(
            creating: folder,
            Run.Record(
                version: prismVersion, configuration: resolved, sinks: sinks, digests: try input.digests(),
                oversampling: input.oversampling))
    }

    /// Goes on with a run that was cut off.
    /// - Throws: `PrismError.usage` if its model or text is not what it was.
    public init(resuming folder: URL, workers: Workers = Workers()) throws {
        run = try Run(folder)
        let record = try run.readRecord()
        configuration = record.configuration
        sinks = record.sinks
        self.workers = workers
        input = try RunInput(configuration)
        source = input.source(configuration)
        for (name, digest) in try input.digests().sorted(by: { $0.key < $1.key }) where record.digests[name] != digest {
            throw PrismError.usage(
                "the \(name) has changed since \(folder.path) began; put the old one back or start a new run")
        }
        guard input.oversampling == record.oversampling else {
            throw PrismError.usage(
                "the oversampling in \(run.record.path) has changed; put the old one back or start a new run")
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
        let members = run.members(configuration)
        let training = try Training(self, members)
        try training.finish()
        let trained = training.results
        let dictionaries = trained.map(\.dictionary)
        // What was evaluated before a run was cut off stands: it is written when training is over, for all at once.
        let kept = trained.compactMap {
            try? JSONDecoder().decode(Evaluation.self, from: Files.read($0.member.evaluation))
        }
        let evaluations =
            kept.count == trained.count
            ? kept
            : try run.evaluate(
                zip(trained.map(\.member.configuration), dictionaries).map { ($0, $1) }, input, configuration, sinks,
                workers: workers)
        for (place, dictionary) in dictionaries.enumerated() {
            let member = trained[place].member
            try Files.writeAtomically(JSONEncoder.prism.encode(evaluations[place]), to: member.evaluation)
            try dictionary.save(
                to: member.dictionary, metadata: metadata(member.configuration),
                frequencies: evaluations[place].density)
        }
        let explanation = try Explanation(self, trained.map(\.member), dictionaries, evaluations)
        try explanation.write()
        if members.count > 1 { try Comparison(run, trained.map(\.member), evaluations).write() }
        try training.reportFailures()
        return run.report
    }

    private func metadata(_ dictionary: DictionaryConfiguration) -> SAELensMetadata {
        guard configuration.model != nil else { return SAELensMetadata() }
        return SAELensMetadata(
            modelName: configuration.modelName, hookName: dictionary.hooks.map(\.name).joined(separator: " + "),
            outputHookName: dictionary.target?.map(\.name).joined(separator: " + "),
            contextSize: configuration.contexts.length, prependBOS: configuration.contexts.prependBOS,
            excludeSpecialTokens: true,
            datasetPath: configuration.text.map { URL(filePath: $0).lastPathComponent }.joined(separator: " "))
    }
}

extension DictionaryConfiguration {
    /// Where the hook points' numbers lie in the source's vectors; a source without a model is all one.
    func columns(_ points: [HookPoint], _ source: any ActivationSource) -> [Range<Int>] {
        guard let source = source as? ModelActivations else { return [0..<source.width] }
        var end = 0
        let ranges = source.widths.map { width in
            defer { end += width }
            return end..<end + width
        }
        return points.map { ranges[source.hooks.firstIndex(of: $0)!] }
    }

    func wiring(_ source: any ActivationSource) -> Wiring {
        Wiring(input: columns(reads, source).map(\.count), output: target.map { columns($0, source).map(\.count) })
    }
}

extension Run {
    /// Measures dictionaries on the run's held-out part.
    func evaluate(
        _ dictionaries: [(DictionaryConfiguration, SparseDictionary)], _ input: RunInput,
        _ configuration: DiscoveryConfiguration, _ sinks: SinkFilter, workers: Workers
    ) throws -> [Evaluation] {
        switch input {
        case .model(let model, _, _, let contexts):
            return try Evaluation.measure(
                dictionaries.map { Subject($1, reads: $0.reads, writes: $0.writes) }, in: model,
                hooks: configuration.hooks, contexts: contexts.heldOut, sinks: sinks, workers: workers)
        case .matrix(let matrix, _, _, let heldOut):
            return try dictionaries.map {
                try Evaluation(of: $0.1, on: matrix, groups: heldOut.without(sinks, in: matrix), workers: workers)
            }
        case .synthetic(let truth, let matrix, let heldOut):
            return try dictionaries.map {
                try Evaluation(of: $0.1, on: matrix, groups: heldOut.without(sinks, in: matrix), workers: workers)
                    .adding($0.1, against: truth, workers: workers)
            }
        }
    }

    /// Measures the dictionaries of a finished run anew.
    /// - tokens: held-out vectors to measure on; nil takes the run's own number.
    /// - truth: folder of known features to compare with; nil takes what the run was trained on, if it is such a folder.
    public func evaluate(tokens: Int?, truth: URL?, workers: Workers) throws -> [(Member, Evaluation)] {
        let record = try readRecord()
        var configuration = record.configuration
        configuration.evaluationTokens = tokens ?? configuration.evaluationTokens
        let members = members(configuration)
        let dictionaries = try members.map { ($0.configuration, try SparseDictionary(loading: $0.dictionary)) }
        var evaluations = try evaluate(
            dictionaries, try RunInput(configuration), configuration, record.sinks, workers: workers)
        if let truth {
            let known = SyntheticActivations(
                try SyntheticFeatures(loading: truth), .heldOut, vectorCount: configuration.evaluationTokens)
            evaluations = try zip(evaluations, dictionaries).map {
                try $0.adding($1.1, against: known, workers: workers)
            }
        }
        return Array(zip(members, evaluations))
    }
}

extension [[Int]] {
    /// The groups without the rows that are attention sinks, and without groups of nothing else.
    /// - Throws: `PrismError.usage` if nothing is left.
    func without(_ sinks: SinkFilter, in matrix: Tensor) throws -> [[Int]] {
        let kept = map { $0.filter { !sinks.contains(matrix[$0]) } }.filter { !$0.isEmpty }
        guard !kept.isEmpty else { throw sinks.nothingLeft }
        return kept
    }
}
