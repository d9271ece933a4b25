import Foundation
import PrismAtlas
import PrismMetrics

extension CircuitReport {
    // MARK: Verdicts

    /// Of each basis and size of circuit, what all protocols say.
    public var sentences: [String] {
        bases.flatMap { basis in
            Set(basis.verdicts.map(\.nodes)).sorted().map { size in
                "\(basis.name): \(CircuitVerdict.sentence(basis.verdicts(ofSize: size)))"
            }
        }
    }

    var verdictSection: ReportSection {
        let sizes = Set(bases.flatMap { $0.verdicts.map(\.nodes) }).sorted()
        let charts = sizes.map { size in
            Chart.dots(
                "\(size) nodes", x: .init("faithfulness"),
                bases.map { basis in
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
        let rows = bases.flatMap(\.curves).flatMap { curve in
            func row(_ nodes: String, _ point: CircuitCurve.Point) -> [String] {
                [curve.name, curve.ablation.rawValue, nodes]
                    + [point.faithfulness, point.completeness].map { $0.text("%.1f", scale: 100) }
            }
            return curve.points.map { row("\($0.nodes)", $0) } + [row("errors", curve.errors)]
        }
        return (["units", "ablation", "nodes", "faithfulness, %", "without them, %"], rows)
    }

    var curveSection: ReportSection {
        let charts = NodeAblation.allCases.flatMap { ablation in
            let curves = bases.flatMap(\.curves).filter { $0.ablation == ablation }
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
                "Kept are the nodes of largest effect; 1 is the whole model, 0 all units taken away. All nodes together need not "
                + "be the model: a unit that differs between the prompts of none of the pairs that the circuit was found on is "
                + "no node, and is always taken away. Bars are 95% intervals over the pairs that judge.",
            parts: charts)
    }

    // MARK: Nodes and edges

    /// The nodes of the circuits, a basis below the other.
    public var nodeRows: (columns: [String], rows: [[String]]) {
        let rows = bases.flatMap { basis in
            basis.nodes.map { [name($0.node), basis.name, $0.effect.text("%.3f")] }
        }
        return (["node", "units", "effect"], rows)
    }

    var nodeSection: ReportSection {
        let edges = bases.flatMap { $0.edges ?? [] }.prefix(200).map { edge in
            [name(edge.from), edge.to.map(name) ?? "the answer", String(format: "%.3f", edge.effect)]
        }
        return ReportSection(
            title: "Nodes and edges",
            lead:
                "Effects are in nats of the log odds: how far they fall when the node takes the corrupt prompt’s value. Nodes "
                + "were chosen on other pairs than those that their effects are given for; edges’ are of the pairs that found them.",
            parts: [
                .table(columns: nodeRows.columns, rows: nodeRows.rows),
                .table(columns: ["from", "to", "effect"], rows: edges),
            ])
    }

    private func name(_ node: CircuitNode) -> String {
        places[node.place] + " " + (node.unit.map(String.init) ?? "error")
            + (node.position.map { " at \($0)" } ?? "")
    }
}
