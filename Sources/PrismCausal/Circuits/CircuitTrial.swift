import PrismCore
import PrismMetrics

/// Measures circuits of some sizes under every protocol.
package struct CircuitTrial {
    private let activations: PairedActivations
    /// The largest effect first.
    private let all, each: [CircuitNode]

    /// - activations: of the pairs to judge on. all, each: what ranks nodes, of units everywhere and by position.
    package init(_ activations: PairedActivations, all: NodeEffects, each: NodeEffects) {
        (self.activations, self.all, self.each) = (activations, all.nodes, each.nodes)
    }

    /// - sizes: of circuits, in nodes. edges: between the nodes of the smallest, to try that with edges too.
    package func verdicts(sizes: [Int], edges: CircuitEdges? = nil, progress: Progress? = nil) throws
        -> [CircuitVerdict]
    {
        let bootstrap = Bootstrap(contexts: activations.pairs.count)
        var verdicts: [CircuitVerdict] = []
        for ablation in NodeAblation.allCases {
            for positions in CircuitVerdict.Positions.allCases {
                let pass = AblatedPass(activations, ablation, atLastAlone: positions == .last)
                let nodes = positions == .each ? each : all
                let empty = try pass.values(keeping: KeptNodes([]))
                let gap = bootstrap.mean(of: zip(activations.values, empty).map(-))
                func add(_ size: Int, _ edges: Int?, _ values: [Double]) {
                    verdicts.append(
                        CircuitVerdict(
                            ablation: ablation, positions: positions, parts: edges == nil ? .nodes : .edges,
                            nodes: size, edges: edges,
                            faithfulness: Estimate(faithfulnessOf: values, whole: activations.values, empty: empty),
                            gap: gap))
                    progress?.advance()
                }
                for size in sizes { add(size, nil, try pass.values(keeping: KeptNodes(nodes.prefix(size)))) }
                guard let edges, positions == .all else { continue }
                let kept = edges.carrying(0.9)
                add(sizes[0], kept.count, try EdgeAblatedPass(pass, keeping: kept).values())
            }
        }
        return verdicts
    }
}

extension CircuitEdges {
    /// The fewest edges whose |effects| sum to a share of all.
    func carrying(_ share: Double) -> ArraySlice<CircuitEdge> {
        let limit = share * edges.reduce(0) { $0 + abs($1.effect) }
        var sum = 0.0
        return edges.prefix { edge in
            defer { sum += abs(edge.effect) }
            return sum < limit
        }
    }
}
