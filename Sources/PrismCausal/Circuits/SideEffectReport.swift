import Foundation
import PrismAtlas
import PrismCore
import PrismMetrics

/// What taking latents and neurons away did, on disk: `selectivity.json` with every number, and `report.html`.
public struct SideEffectReport: Codable, Sendable {
    public let hook: String
    public let tokens: Int
    public let latents, neurons: SideEffects

    package init(hook: String, tokens: Int, latents: SideEffects, neurons: SideEffects) {
        (self.hook, self.tokens, self.latents, self.neurons) = (hook, tokens, latents, neurons)
    }

    /// - Throws: `PrismError` if a file cannot be written.
    public func write(to folder: URL) throws {
        try Files.createFolder(folder)
        try Files.writeAtomically(JSONEncoder.prism.encode(self), to: folder.appending(path: "selectivity.json"))
        let rows = summaryRows
        let charts = latents.readers.indices.map { reader in
            Chart.scatter(
                "Features that change, read by \(latents.readers[reader])",
                x: .init("mean KL, nats", log: true), y: .init("features that change", log: true),
                [latents, neurons].map { kind in
                    (kind.name, kind.units.filter { $0.divergence > 0 }.map { ($0.divergence, $0.features[reader]) })
                },
                labels: [latents, neurons].map { kind in
                    kind.units.filter { $0.divergence > 0 }.map { "\(kind.name) \($0.unit)" }
                })
        }
        let section = ReportSection(
            title: "What else changes where one unit is taken away",
            lead:
                "Features are the readers’ latents, counted by participation ratio: 1 if one changes alone. Matched are pairs of equal divergence within a factor of 2.",
            parts: [.table(columns: rows.columns, rows: rows.rows)] + charts)
        try Report.write(
            .init(title: "Selectivity of units at \(hook)", subtitle: "\(tokens) held-out tokens", sections: [section]),
            to: folder.appending(path: "report.html"))
    }

    /// Medians of all units, and of latents and neurons matched in effect.
    public var summaryRows: (columns: [String], rows: [[String]]) {
        let pairs = latents.matched(to: neurons)
        let columns = [
            ("latents", latents.units), ("neurons", neurons.units), ("latents, matched", pairs.map(\.own)),
            ("neurons, matched", pairs.map(\.other)),
        ]
        func row(_ label: String, _ format: String, _ value: (SideEffects.Unit) -> Double) -> [String] {
            [label] + columns.map { String(format: format, $0.1.map(value).filter(\.isFinite).median) }
        }
        let features = latents.readers.indices.map { reader in
            row("features that change, read by \(latents.readers[reader])", "%.1f") { $0.features[reader] }
        }
        let rows =
            [["units"] + columns.map { "\($0.1.count)" }] + features + [
                row("mean KL, nats", "%.2g", \.divergence), row("KL on the unit’s own tokens", "%.2f", \.onActive),
                row("share of these tokens", "%.3f", \.active),
            ]
        return (["median"] + columns.map(\.0), rows)
    }
}
