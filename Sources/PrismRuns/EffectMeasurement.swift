import Foundation
import PrismActivations
import PrismAtlas
import PrismCausal
import PrismCore
import PrismTensor

/// Measures what a run's latents do to its model, and puts it into the run's atlas and report.
public struct EffectMeasurement {
    public struct Options: Sendable {
        /// Latents to measure, by number; nil draws `count` of those that are alive.
        public var latents: [Int]?
        public var count = 100
        /// Held-out tokens to look for their activity in.
        public var tokens = 20_000
        /// Contexts that each is changed in, at most.
        public var contexts = 4
        public var seed: UInt64 = 0

        public init() {}
    }

    /// - name: the run's folder, or `folder:dictionary`.
    /// - Returns: the effects measured, in the order of the latents, and the report that shows them.
    /// - Throws: `PrismError.usage` for a model without dictionaries, and for latents that are not there or never active.
    public static func run(
        _ name: String, _ options: Options, workers: Workers
    ) throws -> (effects: [LatentEffect], report: URL) {
        let subject = try CausalSubject([name])
        let placed = try subject.dictionaries.named(nil)
        guard let member = subject.members[0] else {
            throw PrismError.usage("effects are written into a run’s atlas and report; name a run")
        }
        let atlas = try Atlas(member.atlas)
        let count = placed.dictionary.latentCount
        if let odd = options.latents?.first(where: { !(0..<count).contains($0) }) {
            throw PrismError.usage("there is no latent \(odd): they are 0 to \(count - 1)")
        }
        let contexts = try subject.heldOut(tokens: options.tokens)
        var measure = LatentEffects.Options()
        (measure.contexts, measure.seed) = (options.contexts, options.seed)
        let effects = try LatentEffects(
            subject.model, placed, measure, workers: workers, text: { subject.tokenizer.text(of: $0) }
        ).measure(try options.latents ?? drawn(options, from: atlas), on: contexts)
        guard !effects.isEmpty else {
            throw PrismError.usage(
                "none of the latents is active in \(options.tokens) held-out tokens; look at more with --tokens")
        }
        try Atlas.add(effects, to: member.atlas)
        try Report.write(atlas: atlas, run: try atlas.run(), to: member.report)
        return (effects, member.report)
    }

    /// Of the latents that fired while the atlas was made.
    private static func drawn(_ options: Options, from atlas: Atlas) throws -> [Int] {
        var generator = SeededGenerator(seed: options.seed, stream: "latents to measure")
        let alive = try atlas.latents().filter { $0.firings > 0 }.map(\.id)
        return Array(alive.shuffled(using: &generator).prefix(options.count)).sorted()
    }
}
