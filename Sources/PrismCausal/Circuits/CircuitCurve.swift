import PrismCore
import PrismMetrics

/// How much of a model's answer the nodes of largest effect carry, by their number:
///
///     faithfulness of C = (m(C) − m(∅)) / (m(M) − m(∅)),    completeness = the same of all nodes but C
///
/// m(C) is the mean log odds with all nodes but C taken away, m(M) with none. (Of a whole circuit faithfulness is near 1 and
/// the rest's near 0; below 0 and above 1 are possible, since nodes also work against the answer.)
public struct CircuitCurve: Codable, Sendable {
    public struct Point: Codable, Sendable {
        public let nodes: Int
        /// With 95% intervals over pairs.
        public let faithfulness, completeness: Estimate
    }

    public let name: String
    public let ablation: NodeAblation
    /// Nodes whose effect is not zero: the last point keeps them all.
    public let nodeCount: Int
    public let points: [Point]

    /// - counts: of nodes; more than there are stand for all of them.
    package init(
        _ name: String, _ pass: AblatedPass, _ effects: NodeEffects, counts: [Int], progress: Progress? = nil
    ) throws {
        let (whole, empty) = (pass.activations.values, try pass.values(keeping: KeptNodes([])))
        self.name = name
        ablation = pass.ablation
        nodeCount = effects.nodes.count
        points = try Set(counts.map { min($0, effects.nodes.count) }).sorted().map { count in
            try Interrupt.check()
            let chosen = effects.nodes.prefix(count)
            let shares = try [false, true].map { isComplement in
                let values = try pass.values(keeping: KeptNodes(chosen, isComplement: isComplement))
                progress?.advance()
                return Self.faithfulness(values, whole: whole, empty: empty)
            }
            return Point(nodes: count, faithfulness: shares[0], completeness: shares[1])
        }
    }

    /// Σ (m(C) − m(∅)) / Σ (m(M) − m(∅)) over pairs: the ratio of means, since a single pair's may be to nearly nothing.
    static func faithfulness(_ circuit: [Double], whole: [Double], empty: [Double]) -> Estimate {
        Bootstrap(contexts: whole.count).estimate { counts in
            func sum(_ values: [Double]) -> Double { counts.indices.reduce(0) { $0 + Double(counts[$1]) * values[$1] } }
            return (sum(circuit) - sum(empty)) / (sum(whole) - sum(empty))
        }
    }
}
