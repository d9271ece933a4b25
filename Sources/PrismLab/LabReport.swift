import Foundation
import PrismAtlas
import PrismCore

/// What was found, on disk: `findings.json` with every number, one Vega-Lite specification for each figure, and
/// `report.html`, which opens offline.
public struct LabReport {
    /// One experiment as it is stored.
    public struct Entry: Codable, Sendable {
        public let name: String
        public let title: String
        public let source: String
        public let seed: UInt64
        public let claims: [Claim]
        /// File names of the figures' specifications.
        public let figures: [String]
    }

    private let title: String
    private let seed: UInt64
    private let results: [(experiment: Experiment, findings: Findings)]

    public init(title: String, seed: UInt64, _ results: [(experiment: Experiment, findings: Findings)]) {
        self.title = title
        self.seed = seed
        self.results = results
    }

    public var entries: [Entry] {
        results.map { experiment, findings in
            Entry(
                name: experiment.name, title: experiment.title, source: experiment.source, seed: seed,
                claims: findings.claims, figures: Self.charts(findings).indices.map { Self.file(experiment, $0) })
        }
    }

    /// - Throws: `PrismError` if a file cannot be written.
    public func write(to folder: URL) throws {
        try Files.createFolder(folder)
        for (experiment, findings) in results {
            for (number, chart) in Self.charts(findings).enumerated() {
                try Files.writeAtomically(
                    JSONEncoder.prism.encode(chart), to: folder.appending(path: Self.file(experiment, number)))
            }
        }
        try Files.writeAtomically(JSONEncoder.prism.encode(entries), to: folder.appending(path: "findings.json"))
        try Report.write(
            .init(title: title, subtitle: subtitle, sections: sections), to: folder.appending(path: "report.html"))
    }

    private var subtitle: String {
        let claims = results.flatMap(\.findings.claims)
        return "\(claims.filter(\.holds).count) of \(claims.count) claims hold · seed \(seed)"
    }

    private var sections: [ReportSection] {
        let summary =
            results.count == 1
            ? []
            : [
                ReportSection(
                    title: "Every claim",
                    lead:
                        "Criteria come from what was published or derived; an experiment says where one was changed after a first result.",
                    parts: [
                        .table(
                            columns: ["experiment"] + Self.columns,
                            rows: results.flatMap { experiment, findings in
                                findings.claims.map { [experiment.name] + Self.row($0) }
                            })
                    ])
            ]
        return summary
            + results.map { experiment, findings in
                ReportSection(
                    title: experiment.title, lead: "\(experiment.explanation) (\(experiment.source))",
                    parts: [.table(columns: Self.columns, rows: findings.claims.map(Self.row))] + findings.parts)
            }
    }

    private static let columns = ["verdict", "phenomenon", "published", "closed form", "got", "criterion"]

    private static func row(_ claim: Claim) -> [String] {
        [
            claim.holds ? "✓\u{a0}holds" : "✗\u{a0}fails", claim.phenomenon, claim.published ?? "",
            claim.closedForm ?? "",
            claim.got, claim.criterion,
        ]
    }

    private static func file(_ experiment: Experiment, _ number: Int) -> String {
        "\(experiment.name)-\(number + 1).vl.json"
    }

    private static func charts(_ findings: Findings) -> [ChartSpecification] { findings.parts.compactMap(\.figureFile) }
}

extension ReportSection.Part {
    /// A figure as a file of its own: with the schema's name, and with a width where it is a single view, which the page
    /// gives it otherwise.
    var figureFile: ChartSpecification? {
        guard case .chart(let title, _, .object(let specification)) = self else { return nil }
        var whole: [String: ChartSpecification] = [
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json", "title": .string(title),
        ]
        if specification["hconcat"] == nil { whole["width"] = 360 }
        return .object(whole.merging(specification) { $1 })
    }
}
