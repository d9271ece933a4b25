import PrismCore
import PrismMetrics

/// How much of a model's answer the nodes of largest effect carry, by their number.
public struct CircuitCurve: Codable, Sendable {
    public struct Point: Codable, Sendable {
        public let nodes: Int
        /// Of these nodes, and of all units but these (completeness), with 95% intervals over pairs.
        public let faithfulness, completeness: Estimate
    }

    public let name: String
    public let ablation: NodeAblation
    public let points: [Point]
    /// The places' errors as a circuit: completeness is what the dictionaries can tell at all.
    public let errors: Point

    /// - pass: over pairs to judge on. effects: that rank nodes. counts: of nodes; more than there are stand for all.
    package init(
        _ name: String, _ pass: AblatedPass, _ effects: NodeEffects, counts: [Int], progress: Progress? = nil
    ) throws {
        let (whole, empty) = (pass.activations.values, try pass.values(keeping: KeptNodes([])))
        self.name = name
        ablation = pass.ablation
        func point(_ kept: some Collection<CircuitNode>) throws -> Point {
            try Interrupt.check()
            let shares = try [false, true].map { isComplement in
                let values = try pass.values(keeping: KeptNodes(kept, isComplement: isComplement))
                progress?.advance()
                return Estimate(faithfulnessOf: values, whole: whole, empty: empty)
            }
            return Point(nodes: kept.count, faithfulness: shares[0], completeness: shares[1])
        }
        let nodes = effects.nodes
        points = try Set(counts.map { min($0, nodes.count) }).sorted().map { try point(nodes.prefix($0)) }
        errors = try point(pass.activations.places.indices.map { CircuitNode(place: $0, unit: nil) })
    }
}
