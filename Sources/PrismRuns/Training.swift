import Foundation
import PrismActivations
import PrismCore
import PrismDictionaries
import PrismTensor

/// Trains a run's dictionaries on one stream of vectors. Those that were further when the run was cut off wait for the
/// others.
final class Training {
    /// One dictionary at work.
    struct Apprentice {
        let member: Run.Member
        let trainer: DictionaryTrainer
        let log: MetricsLog<DictionaryLine>
        /// Which numbers of a vector it reads and writes.
        let reads, writes: [Range<Int>]
        /// Whether its weights have begun, by a checkpoint or by `initialise`.
        var hasBegun: Bool
        /// Why it stopped before its last step.
        var failure: PrismError?
    }

    private let discovery: Discovery
    private var apprentices: [Apprentice]
    private let baselines: [Run.Member]
    private var fitted: [SparseDictionary] = []
    private let steps: Int

    init(_ discovery: Discovery, _ members: [Run.Member]) throws {
        self.discovery = discovery
        let source = discovery.source
        baselines = members.filter { $0.configuration.baseline != nil }
        apprentices = try members.filter { $0.configuration.baseline == nil }.map { member in
            let configuration = member.configuration
            let trainer = try DictionaryTrainer(
                configuration.training, configuration.wiring(source), workers: discovery.workers)
            try Files.createFolder(member.folder)
            let hasBegun = try member.checkpoints.restore(trainer)
            return Apprentice(
                member: member, trainer: trainer,
                log: try MetricsLog(
                    member.metrics, events: discovery.configuration.tensorboard ? member.events : nil,
                    continuingAfter: trainer.step),
                reads: configuration.columns(configuration.reads, source),
                writes: configuration.columns(configuration.writes, source), hasBegun: hasBegun)
        }
        steps = discovery.configuration.dictionaries[0].training.steps
    }

    /// Those that did not fail.
    private var able: [Apprentice] { apprentices.filter { $0.failure == nil } }

    /// What came out, in the members' order, without those that failed.
    var results: [(member: Run.Member, dictionary: SparseDictionary)] {
        let all = able.map { ($0.member, $0.trainer.dictionary()) } + zip(baselines, fitted).map { ($0, $1) }
        let order = discovery.configuration.dictionaries.map(\.name)
        return all.sorted {
            order.firstIndex(of: $0.0.configuration.name)! < order.firstIndex(of: $1.0.configuration.name)!
        }
    }

    /// - Throws: `PrismError.runFailed` if all dictionaries diverged.
    func finish() throws {
        let configuration = discovery.configuration
        var stream = try BatchStream(
            discovery.source, batch: configuration.batch, capacity: configuration.buffer, passes: configuration.passes,
            sinks: discovery.sinks, seed: configuration.contexts.seed, workers: discovery.workers)
        try fitBaselines(&stream)
        guard let first = apprentices.map(\.trainer.step).min() else { return }
        let progress = Progress("training", total: steps, unit: "steps", alreadyDone: first)
        for step in first..<steps {
            let vectors: Tensor
            do {
                vectors = try progress.pausing { try batch(of: step, from: &stream) }
            } catch let error as PrismError where error.kind == .badData {
                try save()
                throw PrismError(
                    error.kind,
                    error.message + "; the run stopped at step \(step): if they were sound when it began, "
                        + "\(resumption), else start a new run")
            }
            let losses = try apprentices.indices.compactMap { try train($0, step, on: vectors) }
            guard !able.isEmpty else {
                throw PrismError.runFailed(apprentices.compactMap(\.failure?.message).joined(separator: "; "))
            }
            progress.advance(note: "FVU " + losses.prefix(4).map { String(format: "%.3f", $0) }.joined(separator: " "))
            if Interrupt.isRequested {
                try save()
                throw PrismError.runFailed("stopped at step \(step + 1) of \(steps); \(resumption)")
            }
        }
        progress.finish()
    }

    /// Fits the baselines to the shuffle buffer's first generation.
    private func fitBaselines(_ stream: inout BatchStream) throws {
        guard !baselines.isEmpty else { return }
        _ = try batch(of: 0, from: &stream)
        let vectors = stream.generation
        let fitting = Progress("fitting", total: baselines.count, unit: "baselines")
        for member in baselines {
            let configuration = member.configuration
            let part = vectors.columns(configuration.columns(configuration.reads, discovery.source))
            let rows = MatrixActivations(part, rows: 0..<part.rowCount, seed: configuration.training.seed)
            try Files.createFolder(member.folder)
            fitted.append(
                try configuration.baseline!.fit(
                    rows, latents: configuration.training.latents, k: configuration.training.k,
                    seed: configuration.training.seed, workers: discovery.workers
                ) { _ in try Interrupt.check() })
            fitting.advance(note: configuration.label)
        }
        fitting.finish()
    }

    private var resumption: String { "go on with `prism discover --resume \(discovery.run.folder.path)`" }

    /// One step of one dictionary, if it is its turn. - Returns: its FVU.
    private func train(_ index: Int, _ step: Int, on vectors: Tensor) throws -> Double? {
        let apprentice = apprentices[index]
        let trainer = apprentice.trainer
        guard apprentice.failure == nil, trainer.step == step else { return nil }
        let x = vectors.columns(apprentice.reads)
        let y = trainer.wiring.isAutoencoder ? nil : vectors.columns(apprentice.writes)
        if !apprentice.hasBegun {
            trainer.initialise(from: x, output: y)
            apprentices[index].hasBegun = true
        }
        let report: DictionaryTrainer.Report
        do {
            report = try trainer.train(on: x, output: y)
        } catch let error as PrismError where error.kind == .runFailed && apprentices.count > 1 {
            apprentices[index].failure = PrismError.runFailed(
                "\(apprentice.member.configuration.name): \(error.message)")
            if !able.isEmpty {
                writeToStandardError("prism: \(apprentices[index].failure!.message); the others go on\n")
            }
            return nil
        }
        try apprentice.log.append(.init(step: trainer.step, report, latents: trainer.configuration.latents))
        let interval = trainer.configuration.checkpointEvery
        if interval > 0 && trainer.step % interval == 0 || trainer.step == steps { try save(apprentice) }
        return report.fvu
    }

    private func save() throws { for apprentice in able where apprentice.hasBegun { try save(apprentice) } }

    private func save(_ apprentice: Apprentice) throws {
        try apprentice.log.synchronise()
        try apprentice.member.checkpoints.save(apprentice.trainer)
    }

    /// The batch of a step, with a progress line of its own where the source must be read for it.
    private func batch(of step: Int, from stream: inout BatchStream) throws -> Tensor {
        guard stream.needsRead(step: step) else { return try stream.batch(step: step) }
        let progress = Progress("harvesting", total: stream.plan.capacity, unit: "vectors")
        let batch = try stream.batch(step: step) {
            progress.advance(by: $0)
            try Interrupt.check()
        }
        progress.finish()
        return batch
    }

    /// - Throws: `PrismError.runFailed` that names the dictionaries that were not finished.
    func reportFailures() throws {
        let failures = apprentices.compactMap(\.failure?.message)
        if !failures.isEmpty {
            throw PrismError.runFailed(
                "the run is done but for \(failures.count) of its dictionaries: " + failures.joined(separator: "; "))
        }
    }
}
