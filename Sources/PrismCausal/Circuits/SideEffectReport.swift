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
                "Features are the readers’ latents, counted by participation ratio: 1 if one changes alone. An intervention "
                + "that does more changes more, so units are compared where their KL is of one order.",
            parts: [summaryRows, matchedRows].map { .table(columns: $0.columns, rows: $0.rows) } + charts)
        try Report.write(
            .init(title: "Selectivity of units at \(hook)", subtitle: "\(tokens) held-out tokens", sections: [section]),
            to: folder.appending(path: "report.html"))
    }

    /// Medians of all units.
    public var summaryRows: (columns: [String], rows: [[String]]) {
        let kinds = [latents.units, neurons.units]
        func row(_ label: String, _ format: String, _ value: (SideEffects.Unit) -> Double) -> [String] {
            [label] + kinds.map { Self.median($0, format, value) }
        }
        let rows = [
            row("mean KL, nats", "%.2g", \.divergence), row("KL on the unit’s own tokens", "%.2f", \.onActive),
            row("share of these tokens", "%.3f", \.active),
        ]
        return (["median", latents.name, neurons.name], [["units"] + kinds.map { "\($0.count)" }] + rows)
    }

    /// Medians of units whose KL is of one order of magnitude, where there are five of either kind at least: a row for each
    /// order and reader.
    public var matchedRows: (columns: [String], rows: [[String]]) {
        func orders(_ kind: SideEffects) -> [Int: [SideEffects.Unit]] {
            Dictionary(grouping: kind.units.filter { $0.divergence > 0 }) { Int(log10($0.divergence).rounded(.down)) }
        }
        let (own, other) = (orders(latents), orders(neurons))
        let shared = own.keys.filter { min(own[$0]!.count, other[$0]?.count ?? 0) >= 5 }.sorted()
        let rows = shared.flatMap { order in
            latents.readers.indices.map { reader in
                [latents.readers[reader], "1e\(order) to 1e\(order + 1)"]
                    + [own[order]!, other[order]!].flatMap {
                        ["\($0.count)", Self.median($0, "%.1f") { $0.features[reader] }]
                    }
            }
        }
        return (["features read by", "mean KL", "latents", "features", "neurons", "features"], rows)
    }

    private static func median(
        _ units: [SideEffects.Unit], _ format: String, _ value: (SideEffects.Unit) -> Double
    ) -> String {
        String(format: format, units.map(value).median)
    }
}
