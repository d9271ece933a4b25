import Foundation
import PrismAtlas
import PrismCore
import PrismDictionaries
import PrismMetrics

/// The report of a run with several dictionaries: what sparsity costs in fidelity, for each hook point, and a table that
/// leads to the dictionaries' own reports.
struct Comparison {
    private let run: Run
    private let configuration: DiscoveryConfiguration
    private let entries: [(member: Run.Member, evaluation: Evaluation)]

    init(_ run: Run, _ members: [Run.Member], _ evaluations: [Evaluation]) throws {
        self.run = run
        configuration = try run.readRecord().configuration
        entries = Array(zip(members, evaluations))
    }

    func write() throws {
        var places: [String] = []
        for entry in entries where !places.contains(entry.member.configuration.place) {
            places.append(entry.member.configuration.place)
        }
        let sections =
            [frontier("fvu", "FVU", "variance that is not explained", places)]
            + (configuration.model == nil
                ? [] : [frontier("delta_ce", "ΔCE", "nats a token that the spliced model loses", places)])
        try Report.write(
            .init(
                title: run.folder.lastPathComponent,
                subtitle: "\(entries.count) dictionaries on \(configuration.sourceName)",
                sections: sections + [table()]),
            to: run.report)
    }

    /// One chart for each place: L0 against a loss, a line for each kind of dictionary.
    private func frontier(_ name: String, _ label: String, _ meaning: String, _ places: [String]) -> ReportSection {
        ReportSection(
            title: "Sparsity against \(label)",
            lead: "On held-out data, with 95% intervals; \(meaning). Lower left is better.",
            parts: places.map { place in
                let points = entries.filter { $0.member.configuration.place == place }.compactMap {
                    entry -> ChartSpecification? in
                    guard let l0 = entry.evaluation.metrics["l0"], let loss = entry.evaluation.metrics[name],
                        l0.value > 0, loss.value.isFinite
                    else { return nil }
                    return [
                        "name": .string(entry.member.configuration.name),
                        "kind": .string(self.kind(entry.member)),
                        "l0": .number(l0.value), "loss": .number(loss.value), "low": .number(loss.low),
                        "high": .number(loss.high),
                    ]
                }
                let l0: ChartSpecification = [
                    "field": "l0", "type": "quantitative", "title": "L0",
                    "scale": ["type": "log", "nice": false, "padding": 12],
                ]
                let kind: ChartSpecification = [
                    "field": "kind", "type": "nominal", "title": nil,
                    "legend": ["orient": "bottom", "columns": 3, "labelLimit": 260],
                ]
                return .chart(
                    title: configuration.model == nil ? label : place, caption: nil,
                    specification: [
                        "description": .string("\(label) against L0 at \(place)"), "data": ["values": .array(points)],
                        "height": 260,
                        "layer": [
                            [
                                "mark": ["type": "line", "strokeWidth": 1.5],
                                "encoding": [
                                    "x": l0, "color": kind,
                                    "y": [
                                        "field": "loss", "type": "quantitative", "title": .string(label),
                                        "scale": ["zero": false],
                                    ],
                                ],
                            ],
                            [
                                "mark": ["type": "rule", "strokeWidth": 1],
                                "encoding": [
                                    "x": l0, "color": kind, "y": ["field": "low", "type": "quantitative"],
                                    "y2": ["field": "high"],
                                ],
                            ],
                            [
                                "mark": ["type": "point", "filled": true, "size": 45, "opacity": 1],
                                "encoding": [
                                    "x": l0, "color": kind, "y": ["field": "loss", "type": "quantitative"],
                                    "tooltip": [
                                        ["field": "name", "type": "nominal", "title": "dictionary"],
                                        ["field": "l0", "type": "quantitative", "title": "L0", "format": ".4~g"],
                                        [
                                            "field": "loss", "type": "quantitative", "title": .string(label),
                                            "format": ".4~g",
                                        ],
                                    ],
                                ],
                            ],
                        ],
                    ])
            })
    }

    /// What one line of a frontier holds constant: the architecture, and the number of latents where dictionaries differ in it.
    private func kind(_ member: Run.Member) -> String {
        let configuration = member.configuration
        return Set(entries.map { $0.member.configuration.training.latents }).count == 1
            ? configuration.label : "\(configuration.label), \(configuration.training.latents) latents"
    }

    private func table() -> ReportSection {
        let hasModel = configuration.model != nil
        let columns = [
            ("l0", "L0"), ("fvu", "FVU"), ("gamma", "γ"), ("dead_fraction", "dead"), ("delta_ce", "ΔCE"), ("kl", "KL"),
            ("loss_recovered_mean", "loss recovered, mean"), ("mcc", "MCC"), ("f1", "F1"),
        ].filter { column in entries.contains { $0.evaluation.metrics[column.0]?.value.isFinite == true } }
        return ReportSection(
            title: "Dictionaries", lead: "Each name leads to a report of its own.",
            parts: [
                .table(
                    columns: ["dictionary", "kind"] + (hasModel ? ["hook point"] : []) + columns.map(\.1),
                    rows: entries.map { member, evaluation in
                        [member.configuration.name, kind(member)]
                            + (hasModel ? [member.configuration.place] : [])
                            + columns.map { name, _ in
                                evaluation.metrics[name].map {
                                    String(format: name == "l0" ? "%.1f" : "%.3f", $0.value)
                                } ?? ""
                            }
                    },
                    links: entries.map { "\($0.member.configuration.name)/report.html" })
            ])
    }
}
