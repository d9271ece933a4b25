import Algorithms
import PrismCore
import PrismModels
import PrismTensor

extension AttributedRun {
    /// Ablated runs in one request, so that what they need stays small.
    private static let runsTogether = 512

    /// What each unit does, exactly: m − m(run in which it alone takes its baseline, y − δᵤ).
    ///
    /// Runs start at the unit's layer and position, since before both nothing changes, and many go through the model together.
    package func effects(of units: [AttributionUnit], progress: Progress? = nil) throws -> [Double] {
        let order = units.indices.sorted { (units[$0].place, $0) < (units[$1].place, $1) }
        var effects = [Double](repeating: 0, count: units.count)
        for ofPlace in order.chunked(on: { units[$0].place }) {
            for chunk in ofPlace.1.chunks(ofCount: Self.runsTogether) {
                try Interrupt.check()
                let values = try values(without: chunk.map { units[$0] }, at: ofPlace.0)
                for (unit, value) in zip(chunk, values) { effects[unit] = self.value - value }
                progress?.advance(by: chunk.count)
            }
        }
        return effects
    }

    /// What a whole place does: m − m(run in which all its units take their baseline).
    package func effect(ofPlace place: Int) throws -> Double { try value - values(without: [nil], at: place)[0] }

    /// m of runs that lack a unit of a place each; nil lacks all of them.
    private func values(without units: [AttributionUnit?], at place: Int) throws -> [Double] {
        let (tokens, differences, hook) = (question.prompt, differences[place], places[place].writes)
        let firsts = units.map { $0?.position ?? 0 }
        let ablation = Intervention(at: hook) { activation, contexts in
            for context in contexts {
                for (row, position) in zip(context.rows, context.firstPosition...) {
                    if let unit = units[context.index] {
                        guard position == unit.position else { continue }
                        differences.subtract(unit.index, at: position, from: activation[row])
                    } else {
                        differences.subtractAll(at: position, from: activation[row])
                    }
                }
            }
        }
        let request = ForwardRequest(
            resuming: clean, of: [tokens], at: model.start(before: [hook]), firsts.map { (0, $0..<tokens.count) },
            capture: [.finalNorm], interventions: [ablation])
        let found = try model.run(request, workers: workers)
        let normed = found[.finalNorm]
        return units.indices.map {
            logOdds.value(ofPair: 0, normed[found.rows(ofContext: $0).upperBound - 1])
        }
    }
}
