import Foundation
import PrismAtlas
import PrismCore
import PrismMetrics

/// A sparse feature circuit on disk: `circuit.json` with every number, and `report.html`, which opens offline.
public struct CircuitReport: Codable, Sendable {
    public let model, task: String
    /// Pairs that the circuits were found on, and others, on which all that is said of them is measured.
    public let findingPairs, judgingPairs: Int
    /// Mean log odds of the clean and of the corrupt prompts that judge, in nats.
    public let clean, corrupt: Estimate
    /// Hook points, in the order of the pass.
    public let places: [String]
    /// Latents first, then what is set beside them.
    public let bases: [Basis]

    package init(
        model: String, task: String, findingPairs: Int, judgingPairs: Int, clean: Estimate, corrupt: Estimate,
        places: [String], bases: [Basis]
    ) {
        (self.model, self.task, self.findingPairs, self.judgingPairs) = (model, task, findingPairs, judgingPairs)
        (self.clean, self.corrupt, self.places, self.bases) = (clean, corrupt, places, bases)
    }

    /// Nodes of one kind: latents, or the axes.
    public struct Basis: Codable, Sendable {
        public let name: String
        /// The circuit's, by |effect| on the pairs that it was found on.
        public let nodes: [Node]
        /// Between these nodes, the strongest first; nil where they were not looked for.
        public let edges: [CircuitEdge]?
        public let curves: [CircuitCurve]
        public let verdicts: [CircuitVerdict]

        package init(
            name: String, nodes: [Node], edges: [CircuitEdge]?, curves: [CircuitCurve], verdicts: [CircuitVerdict]
        ) {
            (self.name, self.nodes, self.edges) = (name, nodes, edges)
            (self.curves, self.verdicts) = (curves, verdicts)
        }

        func verdicts(ofSize size: Int) -> [CircuitVerdict] { verdicts.filter { $0.nodes == size } }
    }

    public struct Node: Codable, Sendable {
        public let node: CircuitNode
        /// Mean over the pairs that judge, in nats of m.
        public let effect: Estimate

        package init(node: CircuitNode, effect: Estimate) { (self.node, self.effect) = (node, effect) }
    }

    /// - Throws: `PrismError` if a file cannot be written.
    public func write(to folder: URL) throws {
        try Files.createFolder(folder)
        try Files.writeAtomically(JSONEncoder.prism.encode(self), to: folder.appending(path: "circuit.json"))
        try Report.write(
            .init(
                title: "Sparse feature circuit: \(task)",
                subtitle: "\(model) · \(pairs) · \(places.joined(separator: ", "))",
                sections: [verdictSection, curveSection, nodeSection]), to: folder.appending(path: "report.html"))
    }

    /// Which pairs say what.
    public var pairs: String { "found on \(findingPairs) pairs, judged on \(judgingPairs) others" }
}
