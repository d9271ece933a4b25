import PrismCore
import PrismMetrics

/// A circuit's faithfulness under one protocol. Which protocol decides what one hears: from below 0 to above 1 for the same
/// circuit (Miller et al. 2024). So a verdict is the spread over all of them.
public struct CircuitVerdict: Codable, Sendable {
    /// Where nodes are taken away.
    public enum Positions: String, CaseIterable, Codable, Sendable {
        /// A unit everywhere, as one node.
        case all
        /// A unit at a named position is a node of its own.
        case each
        /// The nodes of `all`, but taken away after the last token alone.
        case last
    }

    public enum Parts: String, Codable, Sendable {
        /// All nodes outside the circuit are taken away, for every reader.
        case nodes
        /// Between its nodes too, all but the strongest edges that carry 90% of the sum of |effects|.
        case edges
    }

    public let ablation: NodeAblation
    public let positions: Positions
    public let parts: Parts
    /// Nodes in the circuit, and edges where these are what is kept.
    public let nodes: Int
    public let edges: Int?
    public let faithfulness: Estimate
    /// m(M) − m(∅), in nats: what there is to be faithful to. Where its interval holds 0 faithfulness is a ratio to nothing.
    public let gap: Estimate

    /// “Between −12% and 131% …”: what all protocols say of circuits of one size.
    public static func sentence(_ verdicts: [CircuitVerdict]) -> String {
        let sorted = verdicts.filter { $0.gap.low > 0 || $0.gap.high < 0 }.sorted {
            $0.faithfulness.value < $1.faithfulness.value
        }
        func percent(_ share: Double) -> String { "\(Int((100 * share).rounded()))%".replacing("-", with: "−") }
        func end(_ verdict: CircuitVerdict) -> String {
            "\(percent(verdict.faithfulness.value)) (\(verdict.protocolName))"
        }
        let others = verdicts.count - sorted.count
        let undefined = others == 0 ? "" : " Under \(others) more the answer stays when all nodes are taken away."
        guard let low = sorted.first, let high = sorted.last else {
            return "No protocol leaves anything to explain: the answer stays when all nodes are taken away."
        }
        return "Between \(end(low)) and \(end(high)), median \(percent(sorted.map(\.faithfulness.value).median)): "
            + "what \(low.nodes) nodes are said to carry of the answer, by \(sorted.count) protocols." + undefined
    }

    public var protocolName: String {
        let place = [.all: "at all positions", .each: "position by position", .last: "at the last position"][positions]!
        return "\(ablation.rawValue) ablation of \(parts.rawValue) \(place)"
    }
}

/// Measures circuits of some sizes under every protocol.
package struct CircuitTrial {
    private let activations: PairedActivations
    /// Of units everywhere, and by position.
    private let all, each: NodeEffects

    package init(_ activations: PairedActivations, _ effects: NodeEffects) {
        (self.activations, all, each) = (activations, effects, effects.byPosition(activations))
    }

    /// - sizes: of circuits, in nodes. edges: between the nodes of the smallest, to try that with edges too.
    package func verdicts(sizes: [Int], edges: CircuitEdges? = nil, progress: Progress? = nil) throws
        -> [CircuitVerdict]
    {
        var verdicts: [CircuitVerdict] = []
        for ablation in NodeAblation.allCases {
            for positions in CircuitVerdict.Positions.allCases {
                let pass = AblatedPass(activations, ablation, atLastAlone: positions == .last)
                let nodes = (positions == .each ? each : all).nodes
                let empty = try pass.values(keeping: KeptNodes([]))
                let gaps = zip(activations.values, empty).map(-)
                let gap = Estimate(meanOf: gaps)
                func add(_ size: Int, _ edges: Int?, _ values: [Double]) {
                    verdicts.append(
                        CircuitVerdict(
                            ablation: ablation, positions: positions, parts: edges == nil ? .nodes : .edges,
                            nodes: size,
                            edges: edges,
                            faithfulness: CircuitCurve.faithfulness(values, whole: activations.values, empty: empty),
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
