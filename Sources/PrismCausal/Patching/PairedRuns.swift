import Algorithms
import PrismCore
import PrismMetrics
import PrismModels
import PrismTensor

/// The clean and the corrupt run of some pairs, and what becomes of one where activations of the other are put into it.
///
/// A patched run starts where the patch is: at the residual stream before the patched layer, and at the first patched
/// position, since what lies before both is as it was. Many runs go through the model together.
struct PairedRuns {
    let model: Transformer
    let pairs: [PromptPair]
    /// The run that is patched, and the one that patches come from.
    let base, source: CapturedActivations
    /// m of each pair in either run.
    let baseOdds, sourceOdds: [Double]
    let direction: PatchingDirection
    let workers: Workers
    private let logOdds: LogOdds
    private let bootstrap: Bootstrap

    /// - hooks: where patches may be put.
    /// - Throws: `PrismError.usage` for a hook point or a token that the model does not have.
    init(
        _ model: Transformer, _ pairs: [PromptPair], _ direction: PatchingDirection, patching hooks: [HookPoint],
        workers: Workers
    ) throws {
        (self.model, self.pairs, self.direction, self.workers) = (model, pairs, direction, workers)
        let hooks = Array(hooks.uniqued())
        let layers = 0..<model.configuration.layerCount
        let past = layers.flatMap { [HookPoint.keys(layer: $0), .values(layer: $0)] }
        let starts = hooks.map { model.start(before: [$0]) }
        func run(_ contexts: [[Int32]], _ capture: [HookPoint]) throws -> CapturedActivations {
            try model.run(
                ForwardRequest(contexts: contexts, capture: Array((capture + [.finalNorm]).uniqued())), workers: workers
            )
        }
        let contexts = [pairs.map(\.clean), pairs.map(\.corrupt)]
        let (own, other) = direction == .denoising ? (contexts[1], contexts[0]) : (contexts[0], contexts[1])
        base = try run(own, hooks + starts + past)
        source = try run(other, hooks)
        let logOdds = LogOdds(pairs, model, workers: workers)
        (baseOdds, sourceOdds) = (logOdds.values(base), logOdds.values(source))
        self.logOdds = logOdds
        bootstrap = Bootstrap(contexts: pairs.count)
    }

    /// The prompts of the base.
    private var tokens: [[Int32]] { pairs.map { direction == .denoising ? $0.corrupt : $0.clean } }

    /// The rows of a pair's positions in both runs.
    func rows(_ pair: Int, _ positions: Range<Int>) -> Range<Int> {
        let first = base.rows(ofContext: pair).lowerBound
        return first + positions.lowerBound..<first + positions.upperBound
    }

    /// All positions at which the runs of a pair differ, if anything does.
    func differing(_ pair: Int) -> Range<Int> { pairs[pair].firstDifference..<pairs[pair].clean.count }

    // MARK: Patching

    /// Patched runs in one request, so that what they capture stays small.
    static let runsTogether = 2048

    /// m of the patched runs, in order. - patches: best of one layer together: all start where the first of them does.
    func odds(_ patches: [Patch]) throws -> [Double] {
        try patches.chunks(ofCount: Self.runsTogether).flatMap { chunk in
            try Interrupt.check()
            return try odds(together: Array(chunk))
        }
    }

    private func odds(together patches: [Patch]) throws -> [Double] {
        let hooks = Array(patches.lazy.flatMap { $0.parts.map(\.hook) }.uniqued())
        let interventions = hooks.map { hook in
            let source = source[hook]
            return Intervention(at: hook) { activation, contexts in
                for context in contexts {
                    let patch = patches[context.index]
                    let first = self.source.rows(ofContext: patch.pair).lowerBound
                    for (own, part) in patch.parts where own == hook {
                        for position in patch.positions {
                            let row = context.row(ofPosition: position)!
                            Patch.apply(part, to: activation[row], from: source, row: first + position)
                        }
                    }
                }
            }
        }
        let start = model.start(before: hooks)
        let places = patches.map { (pair: $0.pair, firstPosition: $0.positions.lowerBound) }
        let found = try resumed(places, at: start, interventions, capture: [.finalNorm])
        return odds(found, ofPairs: patches.map(\.pair))
    }

    /// Runs of the base that go on from a layer and a position each.
    func resumed(
        _ places: [(pair: Int, firstPosition: Int)], at start: HookPoint, _ interventions: [Intervention],
        capture: [HookPoint]
    ) throws -> CapturedActivations {
        let tokens = self.tokens
        let request = ForwardRequest(
            resuming: base, of: tokens, at: start, places.map { ($0.pair, $0.firstPosition..<tokens[$0.pair].count) },
            capture: capture, interventions: interventions)
        return try model.run(request, workers: workers)
    }

    /// m at the end of each run.
    func odds(_ runs: CapturedActivations, ofPairs pairs: [Int]) -> [Double] {
        let normed = runs[.finalNorm]
        return pairs.enumerated().map { index, pair in
            logOdds.value(ofPair: pair, normed[runs.rows(ofContext: index).upperBound - 1])
        }
    }

    /// ∂m/∂activation on the base, [all tokens, width at the hook] per hook point.
    func gradients(at hooks: [HookPoint]) throws -> CapturedActivations {
        let pass = ForwardRequest(contexts: tokens, capture: [])
        return try model.gradients(
            GradientRequest(pass, objective: .logOdds(pairs), hooks: hooks), workers: workers
        ).hooks
    }

    // MARK: What it comes to

    /// On which pairs units are ranked, and on which others what they do is measured, so that chance in the ranking flatters
    /// no figure; of fewer than four pairs, all are both.
    var halves: (ranking: [Int], judging: [Int]) {
        let all = Array(pairs.indices)
        return all.count < 4 ? (all, all) : (all.filter { $0 % 2 == 0 }, all.filter { $0 % 2 == 1 })
    }

    /// The normalised effect, (Σ m(patched) − m(base)) / (Σ m(source) − m(base)): 0 where a patch does nothing, 1 where it does
    /// all that the other run would.
    /// - odds: m of patched runs, and the pair of each, no pair twice.
    func effect(_ odds: [Double], ofPairs pairs: [Int]) -> Estimate {
        let bootstrap = pairs.count == baseOdds.count ? bootstrap : Bootstrap(contexts: pairs.count)
        return bootstrap.estimate { multiplicities in
            var (moved, whole) = (0.0, 0.0)
            for (count, (pair, patched)) in zip(multiplicities, zip(pairs, odds)) {
                moved += Double(count) * (patched - baseOdds[pair])
                whole += Double(count) * (sourceOdds[pair] - baseOdds[pair])
            }
            return moved / whole
        }
    }
}
