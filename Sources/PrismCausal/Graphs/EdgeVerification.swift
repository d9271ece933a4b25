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

    /// - edges: from features. - Throws: `PrismError` as a pass of the model.
    public init(
        of edges: [AttributionGraph.Edge], in graph: AttributionGraph, _ replacement: LocalReplacement, workers: Workers
    ) throws {
        let sources = Array(edges.map(\.source).uniqued())
        let places = Dictionary(uniqueKeysWithValues: zip(sources, sources.indices))
        let paths = graph.effects(ofSources: sources)
        let features = sources.map { graph.features[$0] }
        let held = try AblatedPasses(replacement, without: features, holdsMLPs: true, workers: workers)
        let free = try AblatedPasses(replacement, without: features, holdsMLPs: false, workers: workers)
        self.edges = edges.map { edge in
            let place = places[edge.source]!
            func change(_ passes: AblatedPasses) -> Double {
                edge.target < graph.features.count
                    ? passes.change(of: graph.features[edge.target], without: place)
                    : passes.change(of: graph.logits[edge.target - graph.sourceCount], without: place)
            }
            return Edge(
                source: edge.source, target: edge.target, influence: edge.influence, edge: -Double(edge.weight),
                paths: -paths[place][graph.target(ofNode: edge.target)!], held: change(held), free: change(free))
        }
    }

    public static func agreement(_ pairs: [(predicted: Double, actual: Double)]) -> Agreement {
        let errors = pairs.filter { $0.actual != 0 }.map { abs($0.predicted - $0.actual) / abs($0.actual) }
        return Agreement(
            edges: pairs.count, correlation: Correlation.pearson(pairs.map(\.predicted), pairs.map(\.actual)),
            sameSign: Double(pairs.count { $0.predicted * $0.actual > 0 }) / Double(pairs.count),
            error: errors.isEmpty ? nil : errors.median)
    }
}

extension AttributionGraph {
    /// How much of each target's value goes when sources are taken away, over all paths: for each source, by target.
    func effects(ofSources sources: [Int]) -> [[Double]] {
        sources.map { source in
            var effects = [Double](repeating: 0, count: weights.rowCount)
            // The share of each feature's activation that is lost.
            var lost = [(feature: Int, share: Double)]()
            for row in source + 1..<weights.rowCount {
                let numbers = weights[row]
                effects[row] = lost.reduce(Double(numbers[source])) { $0 + $1.share * Double(numbers[$1.feature]) }
                if row < features.count, effects[row] != 0 {
                    lost.append((row, effects[row] / Double(features[row].activation)))
                }
            }
            return effects
        }
    }
}

/// The true model without one feature at a time, beside the model as it is.
private struct AblatedPasses {
    private let replacement: LocalReplacement
    private let found: CapturedActivations

    /// - holdsMLPs: whether other MLPs' outputs stay what they are.
    init(
        _ replacement: LocalReplacement, without features: [LocalReplacement.Feature], holdsMLPs: Bool, workers: Workers
    )
        throws
    {
        self.replacement = replacement
        let (model, tokens) = (replacement.model, replacement.tokens)
        let hooks = (0..<replacement.errors.count).map { HookPoint.mlpOut(layer: $0) }
        let clean = try model.run(ForwardRequest(contexts: [tokens], capture: hooks), workers: workers)
        let interventions = hooks.enumerated().map { layer, hook in
            Intervention(at: hook) { activation, contexts in
                for context in contexts {
                    if holdsMLPs { activation.rows(context.rows).update(from: clean[hook]) }
                    // The last context is the model as it is.
                    guard context.index < features.count else { continue }
                    replacement.remove(features[context.index], from: activation.rows(context.rows), layer: layer)
                }
            }
        }
        found = try model.run(
            ForwardRequest(
                contexts: [[Int32]](repeating: tokens, count: features.count + 1),
                capture: (replacement.transcoders.map(\.reads) + [.finalNorm]), interventions: interventions),
            workers: workers)
    }

    /// Of a feature's pre-activation. - place: of the feature that is taken out.
    func change(of target: LocalReplacement.Feature, without place: Int) -> Double {
        let transcoder = replacement.transcoders[target.transcoder]
        let row = transcoder.dictionary.encoder.rows(target.latent..<target.latent + 1)
        return change(row, at: transcoder.reads, target.position, place)
    }

    func change(of target: LogitTarget, without place: Int) -> Double {
        change(target.row, at: .finalNorm, replacement.tokens.count - 1, place)
    }

    private func change(_ row: Tensor, at hook: HookPoint, _ position: Int, _ place: Int) -> Double {
        let (all, last) = (found[hook], found[hook].rowCount / replacement.tokens.count - 1)
        let changed = all[found.rows(ofContext: place).lowerBound + position]
        let clean = all[found.rows(ofContext: last).lowerBound + position]
        return (0..<row.count).reduce(0.0) { $0 + Double(row.data[$1]) * (Double(changed[$1]) - Double(clean[$1])) }
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
