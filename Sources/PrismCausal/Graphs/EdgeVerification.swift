import Algorithms
import Foundation
import PrismCore
import PrismMetrics
import PrismModels
import PrismTensor

/// Edges put to the test: their source is taken out of the true model, the transcoders' errors kept, and the change of the
/// target is compared with what the graph predicts.
///
/// Attention and norms are then free to change, which the graph holds. With later MLPs held at their outputs, the edge alone
/// predicts the change: −weight. With nothing held, the effect also goes through the features between, and all paths predict
/// it: −(A + A² + …), where a feature that loses Δ of its activation a passes on the share Δ/a of its own edges.
public struct EdgeVerification: Sendable {
    public struct Edge: Codable, Hashable, Sendable {
        /// Nodes of the graph.
        public let source, target: Int
        /// Share of the logits' influence that goes through the edge.
        public let influence: Double
        /// What the edge predicts of the target's change, and all paths.
        public let edge, paths: Double
        /// The target's change with later MLPs' outputs held, and with nothing held.
        public let held, free: Double
    }

    /// How well changes are predicted.
    public struct Agreement: Codable, Hashable, Sendable {
        public let edges: Int
        /// Pearson's correlation of predicted and actual change; nil where either does not vary.
        public let correlation: Double?
        /// Share of edges whose prediction has the sign of the change.
        public let sameSign: Double
        /// Median of |predicted − actual| / |actual|, of the changes that are not zero; nil if there are none.
        public let error: Double?
    }

    public let edges: [Edge]

    /// Rows of activations that are held at a time, of prompts side by side.
    private static let rowsTogether = 1024

    /// - edges: from features. - Throws: `PrismError` as a pass of the model, and when interrupted.
    public init(
        of edges: [AttributionGraph.Edge], in graph: AttributionGraph, _ replacement: LocalReplacement, workers: Workers
    ) throws {
        let passes = try AblatedPasses(replacement, workers)
        let bySource = Dictionary(grouping: edges, by: \.source)
        var found: [AttributionGraph.Edge: Edge] = [:]
        for sources in bySource.keys.sorted().chunks(ofCount: max(1, Self.rowsTogether / graph.tokens.count)) {
            try Interrupt.check()
            let own = sources.enumerated().flatMap { context, source in bySource[source]!.map { (context, $0) } }
            let targets = own.map { context, edge in
                let target =
                    edge.target < graph.features.count
                    ? replacement.target(graph.features[edge.target])
                    : replacement.target(graph.logits[edge.target - graph.sourceCount])
                return (context, target)
            }
            let features = sources.map { graph.features[$0] }
            let held = try passes.changes(of: targets, without: features, holdsMLPs: true)
            let free = try passes.changes(of: targets, without: features, holdsMLPs: false)
            let paths = sources.map(graph.effects(ofSource:))
            for (i, (context, edge)) in own.enumerated() {
                found[edge] = Edge(
                    source: edge.source, target: edge.target, influence: edge.influence, edge: -Double(edge.weight),
                    paths: -paths[context][graph.target(ofNode: edge.target)!], held: held[i], free: free[i])
            }
        }
        self.edges = edges.map { found[$0]! }
    }

    public static func agreement(_ pairs: [(predicted: Double, actual: Double)]) -> Agreement {
        let errors = pairs.filter { $0.actual != 0 }.map { abs($0.predicted - $0.actual) / abs($0.actual) }
        return Agreement(
            edges: pairs.count, correlation: Correlation.pearson(pairs.map(\.predicted), pairs.map(\.actual)),
            sameSign: Double(pairs.count { $0.predicted * $0.actual > 0 }) / Double(pairs.count),
            error: errors.isEmpty ? nil : errors.median)
    }
}

/// The true model without one feature at a time, beside the model as it is.
private struct AblatedPasses {
    private let replacement: LocalReplacement
    private let clean: CapturedActivations
    private let workers: Workers

    init(_ replacement: LocalReplacement, _ workers: Workers) throws {
        (self.replacement, self.workers) = (replacement, workers)
        let outputs = (0..<replacement.errors.count).map { HookPoint.mlpOut(layer: $0) }
        clean = try replacement.model.run(
            ForwardRequest(
                contexts: [replacement.tokens],
                capture: outputs + replacement.transcoders.map(\.reads) + [.finalNorm]), workers: workers)
    }

    /// What becomes of each target's value without the feature that its context stands for.
    /// - holdsMLPs: whether other MLPs' outputs stay what they are.
    func changes(
        of targets: [(context: Int, target: GraphTarget)], without features: [LocalReplacement.Feature], holdsMLPs: Bool
    ) throws -> [Double] {
        let interventions = (0..<replacement.errors.count).map { layer in
            let hook = HookPoint.mlpOut(layer: layer)
            return Intervention(at: hook) { [replacement, clean] activation, contexts in
                for context in contexts {
                    let rows = activation.rows(context.rows)
                    if holdsMLPs { rows.update(from: clean[hook]) }
                    replacement.remove(features[context.index], from: rows, layer: layer)
                }
            }
        }
        let found = try replacement.model.run(
            ForwardRequest(
                contexts: features.map { _ in replacement.tokens },
                capture: Array(targets.lazy.map(\.target.hook).uniqued()), interventions: interventions),
            workers: workers)
        return targets.map { context, target in
            let (changed, clean) = (found[target.hook], clean[target.hook])
            let row = found.rows(ofContext: context).lowerBound + target.position
            let (new, old) = (changed[row], clean[target.position])
            return (0..<target.row.count).reduce(0) {
                $0 + Double(target.row.data[$1]) * (Double(new[$1]) - Double(old[$1]))
            }
        }
    }
}

extension LocalReplacement {
    /// Takes a dᵢ from a layer's MLP output, [tokens, width].
    fileprivate func remove(_ feature: Feature, from output: Tensor, layer: Int) {
        let transcoder = transcoders[feature.transcoder]
        guard transcoder.writes.contains(layer) else { return }
        let (out, decoder) = (output[feature.position], transcoder.dictionary.decoder)
        let vector = decoder[feature.latent] + (layer - transcoder.layer) * output.rowWidth
        for c in 0..<output.rowWidth { out[c] -= feature.activation * vector[c] }
    }
}
