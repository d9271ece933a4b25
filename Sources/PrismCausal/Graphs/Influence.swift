import Algorithms
import PrismTensor

/// How much of what leads to the logits goes through each node, over all paths:
///
///     influence = w (A + A² + A³ + …),   A[t][s] = |weight[t][s]| / Σₛ |weight[t][s]|,   w = the logits' probabilities
///
/// As edges lead only from lower to higher layers, one sweep over the targets from the last to the first sums the series.
struct Influence {
    /// By node; a logit's is its w.
    let ofNodes: [Double]
    /// For each row 1 / Σₛ |weight[t][s]|.
    let scales: [Double]

    /// - weights: [targets, sources]. nodes: the node that each row leads to; logits' numbers begin where sources' end.
    /// - logitWeights: w, by logit.
    init(_ weights: Tensor, nodes: [Int], logitWeights: [Double]) {
        let sources = weights.rowWidth
        var totals = [Double](repeating: 0, count: sources) + logitWeights
        var scales = [Double](repeating: 0, count: nodes.count)
        for row in nodes.indices.sorted(by: { nodes[$0] > nodes[$1] }) {
            let numbers = weights[row]
            var sum = 0.0
            for s in 0..<sources { sum += Double(abs(numbers[s])) }
            scales[row] = 1 / max(sum, 1e-10)
            let factor = totals[nodes[row]] * scales[row]
            guard factor != 0 else { continue }
            for s in 0..<sources { totals[s] += factor * Double(abs(numbers[s])) }
        }
        (ofNodes, self.scales) = (totals, scales)
    }
}

extension AttributionGraph {
    /// How much of what happens the graph's features account for.
    public struct Scores: Codable, Hashable, Sendable {
        /// Of the influence that starts at tokens and errors, the share that starts at tokens: what goes through features all
        /// the way.
        public let replacement: Double
        /// Share of the nodes' inputs that are no errors, nodes weighted by influence.
        public let completeness: Double
    }

    var influence: Influence {
        Influence(
            weights, nodes: (0..<weights.rowCount).map(node(ofTarget:)), logitWeights: logits.map(\.probability))
    }

    /// As circuit-tracer defines them, on the whole graph.
    public var scores: Scores {
        let influence = influence
        let errors = features.count..<features.count + errorCount
        let fromErrors = influence.ofNodes[errors].reduce(0, +)
        let fromTokens = influence.ofNodes[errors.upperBound..<sourceCount].reduce(0, +)
        var explained = 0.0
        for row in 0..<weights.rowCount {
            let numbers = weights[row]
            let share = errors.reduce(0.0) { $0 + Double(abs(numbers[$1])) } * influence.scales[row]
            explained += influence.ofNodes[node(ofTarget: row)] * (1 - share)
        }
        // Errors and tokens have no inputs, so none that are errors.
        explained += fromErrors + fromTokens
        return Scores(
            replacement: fromTokens / (fromTokens + fromErrors),
            completeness: explained / influence.ofNodes.reduce(0, +))
    }

    /// Of the whole graph's edges from features those of most influence, the largest first.
    public func strongestEdges(_ count: Int) -> [Edge] {
        let influence = influence
        let candidates = (0..<weights.rowCount).flatMap { row -> [Edge] in
            let (numbers, target) = (weights[row], node(ofTarget: row))
            let factor = influence.ofNodes[target] * influence.scales[row]
            return features.indices.max(count: count) { (abs(numbers[$0]), $1) < (abs(numbers[$1]), $0) }.map {
                Edge(source: $0, target: target, weight: numbers[$0], influence: factor * Double(abs(numbers[$0])))
            }
        }
        return candidates.max(count: count) {
            ($0.influence, $1.target, $1.source) < ($1.influence, $0.target, $0.source)
        }.reversed().filter { $0.influence > 0 }
    }

    /// How much of each target's value goes when a source is taken away, over all paths.
    func effects(ofSource source: Int) -> [Double] {
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
