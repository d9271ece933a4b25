import PrismTensor

/// What is left of a graph when nodes and edges of little influence on the logits are taken away (Ameisen et al. 2025; the
/// steps are circuit-tracer's).
public struct PrunedGraph: Sendable {
    public let graph: AttributionGraph
    /// Ascending.
    public let nodes: [Int]
    /// In order of targets, then sources; influence is that among the nodes that are kept.
    public let edges: [AttributionGraph.Edge]
    /// For each node of the graph the share of influence of itself and all that have more.
    public let cumulativeInfluence: [Double]

    /// Keeps the nodes of largest influence that together hold `nodeThreshold` of it, all tokens and logits, then of the edges
    /// between them those that hold `edgeThreshold`, and drops what is left without an edge out, or a feature without one in.
    public init(_ graph: AttributionGraph, nodeThreshold: Double = 0.8, edgeThreshold: Double = 0.98) {
        self.graph = graph
        let influence = Array(graph.influence.ofNodes[..<graph.sourceCount])
        let least = influence.least(holding: nodeThreshold)
        let always = graph.features.count + graph.errorCount
        let columns = influence.indices.filter { influence[$0] >= least || $0 >= always }
        var edges = Self.edges(graph, among: columns)
        let leastEdge = edges.map(\.influence).least(holding: edgeThreshold)
        edges.removeAll { $0.influence < leastEdge }

        var kept = Set(columns)
        while true {
            let (sources, targets) = (Set(edges.map(\.source)), Set(edges.map(\.target)))
            let dropped = kept.filter { node in
                node < always && (!sources.contains(node) || node < graph.features.count && !targets.contains(node))
            }
            if dropped.isEmpty { break }
            kept.subtract(dropped)
            edges.removeAll { dropped.contains($0.source) || dropped.contains($0.target) }
        }
        self.edges = edges
        nodes = kept.sorted() + (graph.sourceCount..<graph.nodeCount)

        let total = influence.reduce(0, +)
        var (sum, cumulative) = (0.0, [Double](repeating: 1, count: graph.nodeCount))
        for node in influence.indices.sorted(by: { (-influence[$0], $0) < (-influence[$1], $1) }) {
            sum += influence[node]
            cumulative[node] = sum / total
        }
        cumulativeInfluence = cumulative
    }

    /// All edges between some sources, and from them to the logits.
    private static func edges(_ graph: AttributionGraph, among sources: [Int]) -> [AttributionGraph.Edge] {
        let featureCount = sources.prefix { $0 < graph.features.count }.count
        let nodes = Array(0..<featureCount) + graph.logits.indices.map { sources.count + $0 }
        let targets = sources.prefix(featureCount) + (graph.sourceCount..<graph.nodeCount)
        let weights = Tensor(nodes.count, sources.count)
        for (row, target) in targets.enumerated() {
            let (out, all) = (weights[row], graph.weights[graph.target(ofNode: target)!])
            for (column, source) in sources.enumerated() { out[column] = all[source] }
        }
        let influence = Influence(weights, nodes: nodes, logitWeights: graph.logits.map(\.probability))
        return targets.enumerated().flatMap { row, target -> [AttributionGraph.Edge] in
            let factor = influence.ofNodes[nodes[row]] * influence.scales[row]
            return sources.indices.compactMap { column in
                let weight = weights[row][column]
                guard weight != 0 else { return nil }
                return AttributionGraph.Edge(
                    source: sources[column], target: target, weight: weight,
                    influence: factor * Double(abs(weight)))
            }
        }
    }
}

extension [Double] {
    /// The smallest of those that one must take, the largest first, to hold a share of the sum.
    fileprivate func least(holding share: Double) -> Double {
        let (sorted, wanted) = (self.sorted(by: >), share * reduce(0, +))
        var sum = 0.0
        return sorted.first {
            sum += $0
            return sum >= wanted
        } ?? sorted.last ?? 0
    }
}
