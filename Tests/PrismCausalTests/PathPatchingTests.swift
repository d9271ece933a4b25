import PrismCore
import PrismModels
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct PathPatchingTests {
    static func paths(_ receivers: [String], freezesMLPs: Bool = false) throws -> PathPatching {
        let runs = try PairedRuns(
            PairedRunsTests.model, PairedRunsTests.pairs, .denoising, patching: PathPatching.hooks(3),
            workers: Workers())
        return PathPatching(
            runs: runs, positions: runs.pairs.indices.map(runs.differing),
            receivers: try receivers.map { try HeadInput($0) }, freezesMLPs: freezesMLPs)
    }

    /// Behind the last layer's heads there are no others to hold: the path to the logits is the whole effect.
    @Test func theLastLayersPathsAreItsHeads() throws {
        let paths = try Self.paths([])
        let map = try PatchingMap(paths, layers: [2], progress: silence())
        let heads = try PatchingMap(headsOf: [2], at: paths.positions, paths.runs, progress: silence())
        #expect(Array(map.effects[0].prefix(4)) == heads.effects[0])
        #expect(map.columns == ["0", "1", "2", "3", "MLP"])
    }

    /// The definition, one sender and one pair at a time in whole passes: senders change, all else is held, receivers keep
    /// what reaches them.
    @Test(arguments: [
        ([], false), ([], true), (["2.1.q", "2.3.v"], false), (["2.2.k"], true), (["1.0.v", "2.0.q"], true),
    ]) func pathsAreTheDefinition(receivers: [String], freezesMLPs: Bool) throws {
        let paths = try Self.paths(receivers, freezesMLPs: freezesMLPs)
        let runs = paths.runs
        for layer in 0..<2 {
            let found = try paths.odds(ofSendersIn: layer)
            for (sender, odds) in found.enumerated() {
                for pair in runs.pairs.indices {
                    #expect(try odds[pair] == Self.naive(paths, layer, sender, pair), "\(layer).\(sender)")
                }
            }
        }
    }

    static func naive(_ paths: PathPatching, _ layer: Int, _ sender: Int, _ pair: Int) throws -> Double {
        let (runs, model) = (paths.runs, PairedRunsTests.model)
        let (first, count) = (runs.rows(pair, 0..<0).lowerBound, runs.pairs[pair].corrupt.count)
        func set(_ hook: HookPoint, _ values: Tensor, _ columns: Range<Int>? = nil) -> Intervention {
            Intervention(at: hook) { activation, _ in
                for t in 0..<activation.rowCount {
                    for c in columns ?? 0..<activation.rowWidth { activation[t][c] = values[t][c] }
                }
            }
        }
        func own(_ captured: CapturedActivations, _ hook: HookPoint) -> Tensor {
            captured[hook].rows(first..<first + count)
        }
        var held: [Intervention] = []
        for later in layer..<3 {
            held.append(set(.heads(layer: later), own(runs.base, .heads(layer: later))))
            if paths.freezesMLPs { held.append(set(.mlpOut(layer: later), own(runs.base, .mlpOut(layer: later)))) }
        }
        let hook = sender < 4 ? HookPoint.heads(layer: layer) : .mlpOut(layer: layer)
        let columns = sender < 4 ? sender * 8..<sender * 8 + 8 : 0..<32
        held.append(set(hook, own(runs.source, hook), columns))
        func run(_ interventions: [Intervention], _ capture: [HookPoint]) throws -> CapturedActivations {
            try model.run(
                ForwardRequest(
                    contexts: [runs.pairs[pair].corrupt], capture: capture, interventions: interventions))
        }
        var last = try run(held, [.finalNorm])
        if !paths.receivers.isEmpty {
            let read = try paths.receivers.map { receiver in
                set(
                    receiver.hook, try run(held, [receiver.hook])[receiver.hook],
                    try receiver.columns(in: model.configuration))
            }
            last = try run(read, [.finalNorm])
        }
        let normed = last[.finalNorm]
        return LogOdds(runs.pairs, model, workers: Workers()).value(ofPair: pair, normed[count - 1])
    }

    @Test func headInputsAreChecked() throws {
        #expect(try HeadInput("20.3.q").description == "20.3.q")
        for text in ["20.3", "20.3.o", "a.3.q", "", "1.2.q.k"] {
            #expect(throws: PrismError.self, "\(text)") { try HeadInput(text) }
        }
        let configuration = PairedRunsTests.model.configuration
        // Four heads share two keys.
        #expect(try HeadInput("0.3.q").columns(in: configuration) == 24..<32)
        #expect(try HeadInput("0.3.k").columns(in: configuration) == 8..<16)
        for text in ["3.0.q", "0.4.k", "-1.0.q"] {
            #expect(throws: PrismError.self, "\(text)") { try HeadInput(text).columns(in: configuration) }
        }
    }
}
