import PrismCore
import PrismModels
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct PairedRunsTests {
    static let model = Fixture.model()

    /// Of several lengths, which begin to differ at several places.
    static let pairs: [PromptPair] = {
        let prompts: [([Int32], [Int32])] = [
            ([1, 2, 3, 4, 5], [1, 2, 8, 4, 5]), ([9, 8, 7], [9, 8, 6]),
            ([5, 5, 20, 21, 22, 23], [6, 5, 20, 30, 22, 23]),
        ]
        return prompts.enumerated().map { index, prompt in
            try! PromptPair(
                clean: prompt.0, corrupt: prompt.1, answers: [Int32(40 + index), 50], foils: [Int32(60 + index)])
        }
    }()

    static let sites: [PatchingSite] = [.residual, .attention, .mlp, .heads, .neurons]

    static func runs(_ direction: PatchingDirection = .denoising, workers: Workers = Workers()) throws -> PairedRuns {
        let hooks = sites.flatMap { site in (0..<3).map(site.hook) } + [.mlpIn(layer: 1)]
        return try PairedRuns(model, pairs, direction, patching: hooks, workers: workers)
    }

    /// The slow and obvious way: a whole pass for each patch.
    static func naive(_ patch: Patch, _ runs: PairedRuns) throws -> Double {
        let pair = runs.pairs[patch.pair]
        let tokens = runs.direction == .denoising ? pair.corrupt : pair.clean
        let interventions = patch.parts.map { hook, part in
            Intervention(at: hook) { activation, contexts in
                for position in patch.positions {
                    Patch.apply(
                        part, to: activation[contexts[0].row(ofPosition: position)!], from: runs.source[hook],
                        row: runs.source.rows(ofContext: patch.pair).lowerBound + position)
                }
            }
        }
        let pass = try runs.model.run(
            ForwardRequest(contexts: [tokens], capture: [.finalNorm], interventions: interventions))
        let normed = pass[.finalNorm]
        return LogOdds(runs.pairs, runs.model, workers: Workers()).value(
            ofPair: patch.pair, normed[normed.rowCount - 1])
    }

    /// Resumed from the patch's layer and position, and many at once, patched runs have the bits of whole passes.
    @Test(arguments: PatchingDirection.allCases) func resumedRunsHaveTheBitsOfWholePasses(
        direction: PatchingDirection
    ) throws {
        let runs = try Self.runs(direction)
        for site in Self.sites {
            for layer in 0..<3 {
                let hook = site.hook(layer)
                let width = Self.model.configuration.width(at: hook)
                let patches = runs.pairs.indices.flatMap { pair in
                    runs.differing(pair).map {
                        Patch(
                            pair: pair, positions: $0..<runs.pairs[pair].clean.count,
                            parts: [(hook, .columns([0..<8, 16..<width]))])
                    }
                }
                #expect(try runs.odds(patches) == patches.map { try Self.naive($0, runs) }, "\(hook)")
            }
        }
    }

    @Test func threadsChangeNoBit() throws {
        let maps = try [1, 3].map { count in
            try PatchingMap(
                .residual, layers: [0, 1, 2], try Self.runs(workers: Workers(count: count)), progress: silence())
        }
        #expect(maps[0].effects.map { $0.map(\.value) } == maps[1].effects.map { $0.map(\.value) })
    }

    /// All that the runs differ in goes through the first layer's residual stream: patched there, one run is the other.
    @Test(arguments: PatchingDirection.allCases) func patchingEverythingGivesTheOtherRun(
        direction: PatchingDirection
    ) throws {
        let runs = try Self.runs(direction)
        let odds = try runs.odds(
            runs.pairs.indices.map {
                Patch(
                    pair: $0, positions: runs.differing($0), parts: [(.residualPre(layer: 0), .columns([0..<32]))])
            })
        #expect(odds == runs.sourceOdds)
        #expect(runs.effect(odds, ofPairs: [0, 1, 2]).value == 1)
        #expect(runs.effect(runs.baseOdds, ofPairs: [0, 1, 2]).value == 0)
    }

    /// m of patches and the objective that attribution differentiates are the same function, to the rounding of sums.
    @Test func logOddsAgreeWithTheObjective() throws {
        let runs = try Self.runs()
        let values = try Self.model.gradients(
            GradientRequest(
                ForwardRequest(contexts: Self.pairs.map(\.clean), capture: []), objective: .logOdds(Self.pairs))
        ).values
        for (odds, value) in zip(runs.sourceOdds, values) { #expect(abs(odds - value) < 1e-6) }
    }
}

func silence() -> Progress { Progress("", total: 1, unit: "") }
