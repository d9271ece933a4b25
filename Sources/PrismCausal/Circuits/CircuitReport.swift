import Foundation
import PrismAtlas
import PrismCore
import PrismMetrics

/// A sparse feature circuit on disk: `circuit.json` with every number, and `report.html`, which opens offline.
public struct CircuitReport {
    public struct Record: Codable, Sendable {
        public let model, task: String
        public let pairs: Int
        /// Mean log odds of the clean and of the corrupt prompts, in nats.
        public let clean, corrupt: Double
        /// Hook points, in the order of the pass.
        public let places: [String]
        /// Latents first, then what is set beside them.
        public let bases: [Basis]
        /// Between the latents of the circuit, the strongest first.
        public let edges: [CircuitEdge]
        /// Nodes in the circuit that is listed.
        public let nodes: Int

        package init(
            model: String, task: String, pairs: Int, clean: Double, corrupt: Double, places: [String], bases: [Basis],
            edges: [CircuitEdge], nodes: Int
        ) {
            (self.model, self.task, self.pairs, self.clean, self.corrupt) = (model, task, pairs, clean, corrupt)
            (self.places, self.bases, self.edges, self.nodes) = (places, bases, edges, nodes)
        }
    }

    /// Nodes of one kind: latents, or the axes.
    public struct Basis: Codable, Sendable {
        public let name: String
        /// The circuit's, by |effect|.
        public let nodes: [Node]
        public let curves: [CircuitCurve]
        public let verdicts: [CircuitVerdict]

        package init(name: String, nodes: [Node], curves: [CircuitCurve], verdicts: [CircuitVerdict]) {
            (self.name, self.nodes, self.curves, self.verdicts) = (name, nodes, curves, verdicts)
        }

        func verdicts(ofSize size: Int) -> [CircuitVerdict] { verdicts.filter { $0.nodes == size } }
    }

    public struct Node: Codable, Sendable {
        public let node: CircuitNode
        /// Mean over pairs, in nats of m.
        public let effect: Estimate

        package init(node: CircuitNode, effect: Estimate) { (self.node, self.effect) = (node, effect) }
    }

    public let record: Record

    package init(_ record: Record) { self.record = record }

    /// - Throws: `PrismError` if a file cannot be written.
    public func write(to folder: URL) throws {
        try Files.createFolder(folder)
        try Files.writeAtomically(JSONEncoder.prism.encode(record), to: folder.appending(path: "circuit.json"))
        try Report.write(
            .init(
                title: "Sparse feature circuit: \(record.task)",
                subtitle: "\(record.model) · \(record.pairs) pairs · \(record.places.joined(separator: ", "))",
                sections: [verdictSection, curveSection, nodeSection]), to: folder.appending(path: "report.html"))
    }

    // MARK: Verdicts

    /// Of each basis and size of circuit, what all protocols say.
    public var sentences: [String] {
        record.bases.flatMap { basis in
            Set(basis.verdicts.map(\.nodes)).sorted().map { size in
                "\(basis.name): \(CircuitVerdict.sentence(basis.verdicts(ofSize: size)))"
            }
        }
    }

    private var verdictSection: ReportSection {
        let sizes = Set(record.bases.flatMap { $0.verdicts.map(\.nodes) }).sorted()
        let charts = sizes.map { size in
            Chart.dots(
                "\(size) nodes", x: .init("faithfulness"),
                record.bases.map { basis in
                    (
                        basis.name,
                        basis.verdicts(ofSize: size).map {
                            ($0.protocolName, $0.faithfulness.value, $0.faithfulness.low, $0.faithfulness.high)
                        }
                    )
                })
        }
        return ReportSection(
            title: "What the protocols say",
            lead:
                "The same circuits, taken out in every way. A figure of faithfulness means no more than its protocol.",
            parts: [.text(body: sentences.joined(separator: "\n\n"))] + charts)
    }

    // MARK: Curves

    /// How many nodes it takes: a row for each number of nodes.
    public var curveRows: (columns: [String], rows: [[String]]) {
        let rows = record.bases.flatMap { basis in
            basis.curves.flatMap { curve in
                curve.points.map {
                    [
                        curve.name, curve.ablation.rawValue, "\($0.nodes)", Self.percent($0.faithfulness),
                        Self.percent($0.completeness),
                    ]
                }
            }
        }
        return (["units", "ablation", "nodes", "faithfulness", "without them"], rows)
    }

    private var curveSection: ReportSection {
        let charts = NodeAblation.allCases.flatMap { ablation in
            let curves = record.bases.flatMap(\.curves).filter { $0.ablation == ablation }
            guard !curves.isEmpty else { return [ReportSection.Part]() }
            func lines(_ title: String, _ part: KeyPath<CircuitCurve.Point, Estimate>) -> ReportSection.Part {
                Chart.lines(
                    "\(title), \(ablation.rawValue) ablation", x: .init("nodes", log: true), y: .init(title),
                    curves.map { curve in
                        let points = curve.points.filter { $0.nodes > 0 }
                        return .init(
                            name: curve.name, points: points.map { (Double($0.nodes), $0[keyPath: part].value) },
                            spread: points.map { ($0[keyPath: part].low, $0[keyPath: part].high) })
                    })
            }
            return [lines("faithfulness", \.faithfulness), lines("faithfulness of the rest", \.completeness)]
        }
        return ReportSection(
            title: "How many nodes it takes",
            lead:
                "Kept are the nodes of largest effect; 1 is the whole model, 0 all nodes taken away. Bars are 95% intervals over pairs.",
            parts: charts)
    }

    // MARK: Nodes and edges

    /// The nodes of the circuit, a basis below the other.
    public var nodeRows: (columns: [String], rows: [[String]]) {
        let rows = record.bases.flatMap { basis in
            basis.nodes.map { [name($0.node), basis.name, Self.number($0.effect)] }
        }
        return (["node", "units", "effect"], rows)
    }

    private var nodeSection: ReportSection {
        let edges = record.edges.prefix(200).map { edge in
            [name(edge.from), edge.to.map(name) ?? "the answer", String(format: "%.3f", edge.effect)]
        }
        return ReportSection(
            title: "Nodes and edges",
            lead:
                "Effects are in nats of the log odds: how far they fall when the node takes the corrupt prompt’s value.",
            parts: [
                .table(columns: nodeRows.columns, rows: nodeRows.rows),
                .table(columns: ["from", "to", "effect"], rows: edges),
            ])
    }

    private func name(_ node: CircuitNode) -> String {
        record.places[node.place] + " " + (node.unit.map(String.init) ?? "error")
            + (node.position.map { " at \($0)" } ?? "")
    }

    private static func percent(_ share: Estimate) -> String {
        String(format: "%.1f%% ± %.1f", 100 * share.value, 50 * (share.high - share.low))
    }

    private static func number(_ estimate: Estimate) -> String {
        String(format: "%.3f ± %.3f", estimate.value, (estimate.high - estimate.low) / 2)
    }
}
