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
    /// m(M) − m(∅), in nats: what there is to be faithful to.
    public let gap: Estimate

    /// Where the gap's interval holds 0 faithfulness is a ratio to nothing.
    private var isDefined: Bool { faithfulness.value.isFinite && !(gap.low <= 0 && gap.high >= 0) }

    /// “Between −12% and 131% …”: what all protocols say of circuits of one size.
    public static func sentence(_ verdicts: [CircuitVerdict]) -> String {
        let sorted = verdicts.filter(\.isDefined).sorted { $0.faithfulness.value < $1.faithfulness.value }
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
