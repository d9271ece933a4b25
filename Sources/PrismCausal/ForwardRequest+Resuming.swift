import PrismCore
import PrismModels

extension ForwardRequest {
    /// Runs that go on from an earlier pass: neither the blocks below `start` nor positions before a run's own are run again.
    /// - pass: with `start` and `Transformer.pastHooks(from: start)`. tokens: its contexts.
    /// - runs: which of its contexts each goes on from, and the positions that it has.
    init(
        resuming pass: CapturedActivations, of tokens: [[Int32]], at start: HookPoint,
        _ runs: [(context: Int, positions: Range<Int>)], capture: [HookPoint], interventions: [Intervention]
    ) {
        let rows = runs.flatMap { run -> [Int] in
            let first = pass.rows(ofContext: run.context).lowerBound
            return run.positions.map { first + $0 }
        }
        self.init(
            contexts: runs.map { Array(tokens[$0.context][$0.positions]) }, capture: capture,
            interventions: interventions, start: .init(at: start, pass[start].gathered(rows)),
            past: .init(pass, origins: runs.map { ($0.context, $0.positions.lowerBound) }))
    }
}
