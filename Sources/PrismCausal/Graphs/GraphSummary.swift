import Foundation
import PrismCore

/// The figures of one graph.
public struct GraphSummary: Codable, Hashable, Sendable {
    public struct Counts: Codable, Hashable, Sendable {
        public let features, errors, tokens, logits, edges: Int
    }

    /// How well interventions agree with what the graph predicts of some edges.
    public struct Check: Codable, Hashable, Sendable {
        /// What the edges lead to.
        public let targets: String
        /// What predicts the change, and what is held while it is measured.
        public let prediction, held: String
        public let agreement: EdgeVerification.Agreement
    }

    public struct Output: Codable, Hashable, Sendable {
        public let token: String
        public let probability: Double
    }

    public struct Edge: Codable, Hashable, Sendable {
        public let source, target: String
        public let leadsToLogit: Bool
        /// Share of the logits' influence that goes through it.
        public let influence: Double
        public let change: EdgeVerification.Edge
    }

    public let prompt, slug: String
    /// Latents that are active anywhere in the prompt, and those that the graph held before it was pruned.
    public let active, traced: Int
    public let kept: Counts
    public let scores: AttributionGraph.Scores
    /// max |yₜ − Σₛ weight[t][s] − biases| / max |yₜ|: rounding, and a model's own biases.
    public let remainder: Double
    public let outputs: [Output]
    public let checks: [Check]
    /// The strongest from features, as far as they were verified.
    public let edges: [Edge]

    init(_ traced: TracedPrompt, slug: String) {
        let (pruned, graph) = (traced.pruned, traced.pruned.graph)
        let nodes = pruned.nodes.map { graph.node($0) }
        (prompt, self.slug) = (traced.prompt, slug)
        (active, self.traced) = (graph.activeCount, graph.features.count)
        func count(_ isMember: (AttributionGraph.Node) -> Bool) -> Int { nodes.count(where: isMember) }
        kept = Counts(
            features: count { if case .feature = $0 { true } else { false } },
            errors: count { if case .error = $0 { true } else { false } },
            tokens: count { if case .token = $0 { true } else { false } },
            logits: count { if case .logit = $0 { true } else { false } }, edges: pruned.edges.count)
        scores = graph.scores
        remainder =
            (graph.remainders.map(abs).max() ?? 0) / max(graph.values.map(abs).max() ?? 0, .leastNormalMagnitude)
        outputs = graph.logits.indices.map {
            Output(token: traced.name(graph.sourceCount + $0), probability: graph.logits[$0].probability)
        }
        let verified = traced.verification.edges
        let isInner = { (edge: EdgeVerification.Edge) in edge.target < graph.features.count }
        checks = [("features", verified.filter(isInner)), ("logits", verified.filter { !isInner($0) })].flatMap {
            targets, edges -> [Check] in
            guard edges.count > 1 else { return [] }
            func check(
                _ prediction: String, _ held: String, _ pair: (EdgeVerification.Edge) -> (Double, Double)
            ) -> Check {
                Check(
                    targets: targets, prediction: prediction, held: held,
                    agreement: EdgeVerification.agreement(edges.map(pair)))
            }
            return [
                check("edge", "MLPs") { ($0.edge, $0.held) }, check("edge", "nothing") { ($0.edge, $0.free) },
                check("all paths", "nothing") { ($0.paths, $0.free) },
            ]
        }
        let influence = Dictionary(uniqueKeysWithValues: pruned.edges.map { ([$0.source, $0.target], $0.influence) })
        edges = verified.map {
            Edge(
                source: traced.name($0.source), target: traced.name($0.target), leadsToLogit: !isInner($0),
                influence: influence[[$0.source, $0.target]]!, change: $0)
        }
    }

    /// For people: how far interventions agree.
    public var checkRows: (columns: [String], rows: [[String]]) {
        (
            ["edges to", "number", "predicted by", "held", "correlation", "same sign", "median error"],
            checks.map {
                [
                    $0.targets, "\($0.agreement.edges)", $0.prediction, $0.held,
                    $0.agreement.correlation.map { String(format: "%.3f", $0) } ?? "–",
                    String(format: "%.0f%%", 100 * $0.agreement.sameSign),
                    $0.agreement.error.map { String(format: "%.0f%%", 100 * $0) } ?? "–",
                ]
            }
        )
    }

    /// For people: the strongest edges, what they predict and what happened.
    public func edgeRows(_ count: Int) -> (columns: [String], rows: [[String]]) {
        (
            ["edge", "influence", "predicted", "MLPs held", "all paths", "nothing held"],
            edges.prefix(count).map { edge in
                [edge.source + " ⟶ " + edge.target, String(format: "%.2f%%", 100 * edge.influence)]
                    + [edge.change.edge, edge.change.held, edge.change.paths, edge.change.free].map {
                        String(format: "%.3g", $0)
                    }
            }
        )
    }
}
