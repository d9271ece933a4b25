import Foundation
import PrismAtlas
import PrismTensor

extension Experiment {
    static let phase21 = phaseDiagram(
        "phase-2-1", title: "Two features in one dimension", hidden: 1,
        setting: """
            One feature has importance 1, the extra one an importance from 0.1 to 10; both a density from 0.01 to 1. The \
            dimension goes to the more important one, or to both, antipodally, where they are rarely active together.
            """, expectedSeconds: 25)

    static let phase32 = phaseDiagram(
        "phase-3-2", title: "Three features in two dimensions", hidden: 2,
        setting: """
            Two features have importance 1, the extra one an importance from 0.1 to 10; all a density from 0.01 to 1. \
            One is dropped, or the extra one is antipodal to another, or, where it matters most, the two others are \
            antipodal and it has a dimension to itself.
            """, expectedSeconds: 25)

    private static func phaseDiagram(
        _ name: String, title: String, hidden: Int, setting: String, expectedSeconds: Double
    ) -> Experiment {
        Experiment(
            name, title: title, topic: .toyModels,
            source: "Elhage et al. 2022, the phase diagram; closed forms derived here",
            expectedSeconds: expectedSeconds,
            explanation: """
                \(setting) For each of 81 cells, theory's map shows the phase of least loss by closed form, the trained map \
                the best of 8 trainings of 5,000 steps by exact loss (published: 10,000 steps), and the third the cells in \
                which they differ. On a border, where theory has a tie, either phase agrees.
                """
        ) { lab in
            let cells = try PhaseCell.grid(hidden: hidden)
            let trained = try PhaseOracle.best(
                of: cells.map {
                    PhaseOracle.configuration(
                        importance: $0.importance, density: $0.density, hidden: hidden, seed: lab.seed)
                }, in: lab
            ).map { PhaseOracle.Phase(of: $0.model.embeddings) }
            func agreement(_ name: String, _ published: String?, _ winners: (PhaseOracle) -> [PhaseOracle.Phase])
                -> Claim
            {
                let agreeing = zip(cells, trained).map { cell, phase in
                    phase.map(winners(cell.oracle).contains) ?? false
                }
                let count = agreeing.count { $0 }
                return Claim(
                    name, closedForm: published, got: "\(count) of \(cells.count) cells",
                    values: agreeing.map { $0 ? 1 : 0 }, criterion: "at least 95% of cells",
                    holds: Double(count) >= 0.95 * Double(cells.count))
            }
            func map(_ title: String, _ phases: [String], _ phase: (PhaseCell, PhaseOracle.Phase?) -> String)
                -> ReportSection.Part
            {
                Chart.phaseMap(
                    title, x: "importance of the extra feature", y: "density", phases: phases,
                    cells: zip(cells, trained).map { (x: $0.importance, y: $0.density, phase: phase($0, $1)) })
            }
            let names = cells[0].oracle.predictions.map(\.phase.rawValue) + ["none of these"]
            return Findings(
                claims: [
                    agreement(
                        "the closed form tells the trained phase",
                        hidden == 1 ? "border p = min(4I/(2 + 5I), 4/(5 + 2I))" : nil, \.winners),
                    agreement("so does the exact loss at the best scale and bias", nil, \.bestWinners),
                ],
                parts: [
                    map("Theory, closed form", names) { cell, _ in cell.oracle.winners[0].rawValue },
                    map("Trained", names) { _, phase in phase?.rawValue ?? "none of these" },
                    map("Where they disagree", ["agree", "disagree"]) { cell, phase in
                        phase.map(cell.oracle.winners.contains) == true ? "agree" : "disagree"
                    },
                ])
        }
    }
}

/// A cell of the diagram.
private struct PhaseCell {
    let importance, density: Double
    let oracle: PhaseOracle

    static func grid(hidden: Int) throws -> [PhaseCell] {
        try (0..<9).flatMap { row in
            try (0..<9).map { column in
                let (importance, density) = (pow(10, Double(column) / 4 - 1), pow(10, -Double(row) / 4))
                let oracle = try PhaseOracle(importance: importance, density: density, hidden: hidden)
                return PhaseCell(importance: importance, density: density, oracle: oracle)
            }
        }
    }
}
