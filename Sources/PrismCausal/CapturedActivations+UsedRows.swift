import PrismActivations
import PrismCore
import PrismModels
import PrismTensor

extension CapturedActivations {
    /// The rows that stand for text, as those that a dictionary learns from: neither special tokens nor attention sinks, one of
    /// which would weigh as much in a mean as a hundred others.
    /// - contexts: those of the pass. hook: where sinks are told by their norm.
    func usedRows(of contexts: [TokenContext], at hook: HookPoint) -> [Int] {
        let x = self[hook]
        let rows = contexts.enumerated().flatMap { index, context -> [Int] in
            let first = self.rows(ofContext: index).lowerBound
            return context.positions.map { first + Int($0) }
        }
        let norms = rows.map { x.norm(ofRow: $0) }
        guard let median = norms.sorted().dropFirst(norms.count / 2).first else { return [] }
        return zip(rows, norms).filter { $0.1 <= Float(SinkFilter.usualMultiple) * median }.map(\.0)
    }
}
