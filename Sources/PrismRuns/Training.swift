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
        let log: MetricsLog
        /// Which numbers of a vector it reads and writes.
        let reads, writes: [Range<Int>]
        /// Whether its weights have begun, by a checkpoint or by `initialise`.
        var hasBegun: Bool
        /// Why it stopped before its last step.
        var failure: PrismError?
    }

    private let discovery: Discovery
    private var apprentices: [Apprentice]
    private let steps: Int

    init(_ discovery: Discovery, _ members: [Run.Member]) throws {
        self.discovery = discovery
        let source = discovery.input.source(discovery.configuration)
        apprentices = try members.map { member in
            let configuration = member.configuration
            let trainer = try DictionaryTrainer(
                configuration.training, configuration.wiring(source), workers: discovery.workers)
            try Files.createFolder(member.folder)
            let hasBegun = try member.checkpoints.restore(trainer)
            return Apprentice(
                member: member, trainer: trainer,
                log: try MetricsLog(member.metrics, continuingAfter: trainer.step),
                reads: configuration.columns(configuration.reads, source),
                writes: configuration.columns(configuration.writes, source), hasBegun: hasBegun)
        }
        steps = members[0].configuration.training.steps
    }

    /// Those that went through all steps.
    var finished: [Apprentice] { apprentices.filter { $0.failure == nil } }

    /// - Throws: `PrismError.runFailed` if all dictionaries diverged.
    func finish() throws {
        let configuration = discovery.configuration
        let source = discovery.input.source(configuration)
        var stream = try BatchStream(
            source, batch: configuration.batch, capacity: configuration.buffer, passes: configuration.passes,
            sinks: discovery.sinks, seed: configuration.contexts.seed, workers: discovery.workers)
        let first = apprentices.map(\.trainer.step).min()!
        let progress = Progress("training", total: steps, unit: "steps", alreadyDone: first)
        for step in first..<steps {
            let vectors: Tensor
            do {
                vectors = try progress.pausing { try batch(of: step, from: &stream) }
            } catch let error as PrismError where error.kind == .badData {
                try save()
                throw PrismError(error.kind, error.message + "; the run stopped at step \(step), \(resumption)")
            }
            let losses = try apprentices.indices.compactMap { try train($0, step, on: vectors) }
            guard !finished.isEmpty else { throw apprentices[0].failure! }
            progress.advance(note: "FVU " + losses.prefix(4).map { String(format: "%.3f", $0) }.joined(separator: " "))
            if Interrupt.isRequested {
                try save()
                throw PrismError.runFailed("stopped at step \(step + 1) of \(steps); \(resumption)")
            }
        }
        progress.finish()
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
            writeToStandardError("prism: \(apprentices[index].failure!.message); the others go on\n")
            return nil
        }
        try apprentice.log.append(.init(step: trainer.step, report, latents: trainer.configuration.latents))
        let interval = trainer.configuration.checkpointEvery
        if interval > 0 && trainer.step % interval == 0 || trainer.step == steps { try save(apprentice) }
        return report.fvu
    }

    private func save() throws { for apprentice in finished where apprentice.hasBegun { try save(apprentice) } }

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
