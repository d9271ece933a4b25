import Foundation
import PrismAtlas
import PrismCore

/// Graphs on disk: what circuit-tracer's front end opens (`{slug}.json`, `graph-metadata.json`, `features/`), every figure
/// (`graphs.json`), and `report.html`.
public struct GraphReport {
    private let traced: [(slug: String, prompt: TracedPrompt)]
    public let summaries: [GraphSummary]

    public init(_ prompts: [TracedPrompt]) {
        var counts: [String: Int] = [:]
        traced = prompts.map { prompt in
            counts[prompt.slug, default: 0] += 1
            let number = counts[prompt.slug]!
            return (number == 1 ? prompt.slug : "\(prompt.slug)-\(number)", prompt)
        }
        summaries = traced.map { GraphSummary($1, slug: $0) }
    }

    /// - Throws: `PrismError` if a file cannot be written.
    public func write(to folder: URL) throws {
        func write(_ value: some Encodable, _ name: String) throws {
            try Files.writeAtomically(JSONEncoder.prism.encode(value), to: folder.appending(path: name))
        }
        try Files.createFolder(folder.appending(path: "features"))
        var index = GraphFile.Index(graphs: [])
        for (slug, prompt) in traced {
            let file = prompt.file(slug: slug)
            index.graphs.append(file.metadata)
            try write(file, "\(slug).json")
            for feature in prompt.featureFiles() { try write(feature.file, "features/\(feature.name)") }
        }
        try write(index, "graph-metadata.json")
        try write(summaries, "graphs.json")
        try Report.write(
            .init(
                title: "Attribution graphs",
                subtitle: summaries.count == 1 ? "one prompt" : "\(summaries.count) prompts",
                sections: summaries.map(section)),
            to: folder.appending(path: "report.html"))
    }

    private func section(_ summary: GraphSummary) -> ReportSection {
        let (checks, edges) = (summary.checkRows, summary.edgeRows(40))
        let kept = summary.kept
        return ReportSection(
            title: summary.prompt,
            lead: """
                \(kept.features) features, \(kept.errors) errors and \(kept.edges) edges are left of \(summary.traced) \
                features. Replacement score \(String(format: "%.3f", summary.scores.replacement)), completeness score \
                \(String(format: "%.3f", summary.scores.completeness)).
                """,
            parts: [
                .table(columns: checks.columns, rows: checks.rows),
                scatter("The edge alone, later MLPs held", summary) { ($0.edge, $0.held) },
                scatter("All paths, nothing held", summary) { ($0.paths, $0.free) },
                .table(columns: edges.columns, rows: edges.rows),
            ])
    }

    /// Predicted against actual change, as shares of the largest change of their kind, as latents and logits have other units.
    private func scatter(
        _ title: String, _ summary: GraphSummary, _ pair: (EdgeVerification.Edge) -> (Double, Double)
    ) -> ReportSection.Part {
        let groups = [("to features", false), ("to logits", true)].map { name, toLogits in
            let edges = summary.edges.filter { $0.leadsToLogit == toLogits }
            let pairs = edges.map { pair($0.change) }
            let scale = max(pairs.map { max(abs($0.0), abs($0.1)) }.max() ?? 1, .leastNormalMagnitude)
            return (
                name: name, points: pairs.map { (x: $0.0 / scale, y: $0.1 / scale) },
                labels: edges.map { $0.source + " ⟶ " + $0.target }
            )
        }
        return Chart.scatter(
            title, caption: "A source is taken out of the model; each point is an edge from it.",
            x: .init("predicted change of the target"), y: .init("actual change"),
            groups.map { ($0.name, $0.points) }, labels: groups.map(\.labels))
    }
}
