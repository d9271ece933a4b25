import PrismCore
import PrismModels
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct PatchingMapTests {
    /// One column a name, from the pairs that have it; what lies before the first difference has none.
    @Test func columnsAreNamesOfPositionsThatDiffer() throws {
        let prompts: [([Int32], [Int32], [String: Int])] = [
            ([1, 2, 3, 4, 5], [1, 2, 8, 4, 5], ["A": 0, "B": 2]), ([9, 8, 7], [9, 6, 7], ["B": 1]),
        ]
        let pairs = try prompts.map {
            try PromptPair(clean: $0.0, corrupt: $0.1, answers: [40], foils: [41], labels: $0.2)
        }
        let hooks = [HookPoint.residualPre(layer: 1)]
        let runs = try PairedRuns(Fixture.model(), pairs, .denoising, patching: hooks, workers: Workers())
        let map = try PatchingMap(.residual, layers: [1], runs, progress: silence())
        #expect(map.columns == ["B", "B+1", "end"] && map.counts == [2, 1, 2])
        let odds = try runs.odds(
            [(0, 2), (1, 1)].map { pair, position in
                Patch(pair: pair, positions: position..<position + 1, parts: [(hooks[0], .columns([0..<32]))])
            })
        #expect(map.effects[0][0] == runs.effect(odds, ofPairs: [0, 1]))
        #expect(map.ranked.first?.effect == map.effects[0].max { abs($0.value) < abs($1.value) })
    }

    /// All heads of a layer at once are its attention: the output is linear in what they read.
    @Test func headsTogetherAreTheAttention() throws {
        let runs = try PairedRunsTests.runs()
        let whole = [HookPoint.heads(layer: 1), .attentionOut(layer: 1)].map { hook in
            runs.pairs.indices.map {
                Patch(pair: $0, positions: runs.differing($0), parts: [(hook, .columns([0..<32]))])
            }
        }
        let odds = try whole.map(runs.odds)
        #expect(odds[0] == odds[1])
    }
}
