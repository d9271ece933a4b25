import Foundation
import PrismActivations
import PrismCausal
import PrismCore
import PrismModels
import PrismTensor

/// Takes latents and neurons of one place away, one at a time, and counts what else changes.
public struct SelectivityMeasurement {
    public struct Options: Sendable {
        /// Units of each kind, drawn from those that are active in the text.
        public var units = 100
        /// Held-out tokens to take them away from.
        public var tokens = 768
        /// Files and folders of text; empty for the first run's held-out text.
        public var text: [String] = []
        public var seed: UInt64 = 0

        public init() {}
    }

    private let options: Options
    private let workers: Workers

    public init(_ options: Options, workers: Workers) { (self.options, self.workers) = (options, workers) }

    /// - names: runs of one model. The first dictionary's latents are taken away, all dictionaries tell what changes.
    /// - Throws: `PrismError` if something cannot be opened, or a dictionary comes before the first.
    public func report(of names: [String]) throws -> SideEffectReport {
        let subject = try CausalSubject(names)
        guard let latents = subject.dictionaries.first, latents.isAutoencoder else {
            throw PrismError.usage("name a run of an autoencoder, whose latents are to be taken away")
        }
        let hook = latents.reads
        let width = subject.model.configuration.width(at: hook)
        let contexts = try subject.heldOut(tokens: options.tokens, text: options.text)
        let removal = try UnitRemoval(
            subject.model, contexts, at: hook, readers: subject.dictionaries, workers: workers)
        let progress = Progress("taking units away", total: 2 * options.units, unit: "units")
        defer { progress.finish() }
        let kinds = [("latents", latents), ("neurons", .axes(at: hook, width: width, sinks: latents.sinks))]
        let found = try kinds.map {
            try removal.sideEffects($0, of: $1, count: options.units, seed: options.seed, progress: progress)
        }
        return SideEffectReport(
            hook: hook.name, tokens: removal.tokenCount, latents: found[0], neurons: found[1])
    }
}
