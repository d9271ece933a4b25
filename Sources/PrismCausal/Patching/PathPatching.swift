import Algorithms
import PrismCore
import PrismMetrics
import PrismModels
import PrismTensor

/// Path patching (Wang et al. 2022): what a head or an MLP does to the answer by way of some receivers alone.
///
/// After both runs, two passes: the base with the sender's output from the source, in which all other heads keep what they
/// wrote, so that the change reaches the receivers directly; then the base with what the receivers read there.
struct PathPatching {
    let runs: PairedRuns
    /// Of each pair, where senders are patched.
    let positions: [Range<Int>]
    /// Empty for the logits.
    let receivers: [HeadInput]
    /// Whether MLPs keep what they wrote, as heads do; if not, the change goes through them too.
    let freezesMLPs: Bool

    /// What one layer can send, the heads first and then the MLP.
    private struct Sender {
        let hook: HookPoint
        let columns: Range<Int>
    }

    /// One run: a sender patched in a pair.
    private typealias Trial = (sender: Sender, pair: Int)

    /// Hook points that patches are put at.
    static func hooks(_ layerCount: Int) -> [HookPoint] {
        (0..<layerCount).flatMap { [.heads(layer: $0), .mlpOut(layer: $0)] }
    }

    /// m for each sender of a layer, and for each of these all pairs.
    func odds(ofSendersIn layer: Int) throws -> [[Double]] {
        let (headWidth, pairs) = (runs.model.configuration.headWidth, runs.pairs.indices)
        let senders =
            (0..<runs.model.configuration.headCount).map {
                Sender(hook: .heads(layer: layer), columns: $0 * headWidth..<($0 + 1) * headWidth)
            } + [Sender(hook: .mlpOut(layer: layer), columns: 0..<runs.model.configuration.width)]
        let trials = senders.flatMap { sender in pairs.map { (sender: sender, pair: $0) } }
        let all = try trials.chunks(ofCount: PairedRuns.runsTogether).flatMap { try odds(Array($0), layer) }
        return all.chunks(ofCount: pairs.count).map { Array($0) }
    }

    private func odds(_ trials: [Trial], _ layer: Int) throws -> [Double] {
        try Interrupt.check()
        let places = trials.map { (pair: $0.pair, firstPosition: positions[$0.pair].lowerBound) }
        var interventions = [
            intervention(.heads(layer: layer), trials, holds: true),
            intervention(.mlpOut(layer: layer), trials, holds: freezesMLPs),
        ]
        for later in layer + 1..<max(layer + 1, runs.model.configuration.layerCount) {
            interventions.append(intervention(.heads(layer: later), trials, holds: true))
            if freezesMLPs { interventions.append(intervention(.mlpOut(layer: later), trials, holds: true)) }
        }
        // What lies before the sender reads nothing of it.
        let reached = receivers.filter { $0.layer > layer }
        let reads = receivers.isEmpty ? [.finalNorm] : Array(reached.map(\.hook).uniqued())
        let sent = try runs.resumed(places, at: .residualPre(layer: layer), interventions, capture: reads)
        guard let first = reached.map(\.layer).min() else { return runs.odds(sent, ofPairs: trials.map(\.pair)) }
        let received = try reads.map { hook in
            let columns = try reached.filter { $0.hook == hook }.map { try $0.columns(in: runs.model.configuration) }
            return Intervention(at: hook) { activation, contexts in
                for context in contexts {
                    for (row, other) in zip(context.rows, sent.rows(ofContext: context.index)) {
                        Patch.apply(.columns(columns), to: activation[row], from: sent[hook], row: other)
                    }
                }
            }
        }
        let patched = try runs.resumed(places, at: .residualPre(layer: first), received, capture: [.finalNorm])
        return runs.odds(patched, ofPairs: trials.map(\.pair))
    }

    /// The sender's output from the source where this is its hook point. - holds: all else there is as in the base.
    private func intervention(_ hook: HookPoint, _ trials: [Trial], holds: Bool) -> Intervention {
        Intervention(at: hook) { [runs, positions] activation, contexts in
            for context in contexts {
                let (sender, pair) = trials[context.index]
                let first = runs.rows(pair, 0..<0).lowerBound
                if holds {
                    let own = first + context.firstPosition
                    activation.rows(context.rows).update(
                        from: runs.base[hook].rows(own..<own + context.rows.count))
                }
                for position in positions[pair] where sender.hook == hook {
                    Patch.apply(
                        .columns([sender.columns]), to: activation[context.row(ofPosition: position)!],
                        from: runs.source[hook], row: first + position)
                }
            }
        }
    }
}

extension PatchingMap {
    /// A column for each head and one for the MLP, as senders, of the layers that some receiver lies behind.
    init(_ paths: PathPatching, layers: [Int], progress: Progress) throws {
        let (runs, heads) = (paths.runs, paths.runs.model.configuration.headCount)
        let end = paths.receivers.map(\.layer).max() ?? runs.model.configuration.layerCount
        self.layers = layers.filter { $0 < end }
        effects = try self.layers.map { layer in
            let odds = try paths.odds(ofSendersIn: layer)
            progress.advance()
            return odds.map { runs.effect($0, ofPairs: Array(runs.pairs.indices)) }
        }
        let receivers =
            paths.receivers.isEmpty ? "the logits" : paths.receivers.map(\.description).joined(separator: ", ")
        (title, axis) = ("paths to \(receivers)", "head")
        columns = (0..<heads).map(String.init) + ["MLP"]
        counts = columns.map { _ in runs.pairs.count }
    }
}
