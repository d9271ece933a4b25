import Foundation

/// The sections that every report has, followed by those the run adds.
enum ReportSections {
    static func all(atlas: Atlas, run: RunSummary, latents: [LatentSummary]) throws -> [ReportSection] {
        var sections: [ReportSection] = []
        let figures = MetricCatalogue.figures(run.metrics)
        if !figures.isEmpty {
            sections.append(
                ReportSection(
                    title: "Results",
                    lead: resultsLead(run.data),
                    parts: figures))
        }
        let curves = trainingCurves(run)
        if !curves.isEmpty { sections.append(ReportSection(title: "Training", parts: curves)) }
        sections.append(try dictionarySection(atlas: atlas, latents: latents))
        if let effects = effects(try atlas.effects()) { sections.append(effects) }
        return sections + run.sections
    }

    private static func resultsLead(_ data: RunSummary.DataFacts) -> String {
        let contexts = data.heldOutContexts.map { " in \(Report.grouped($0)) contexts" } ?? ""
        let leftOut = data.leftOut.map { "; \($0) are left out" } ?? ""
        return """
            On \(Report.grouped(data.heldOutTokens)) held-out tokens\(contexts)\(leftOut). Below each figure its 95% \
            confidence interval, from resampling contexts; point at a figure for its definition.
            """
    }

    // MARK: Training

    private struct Curve {
        let name: String
        let title: String
        var isLogarithmic = false
        /// Expression for an axis label, where the number alone will not do.
        var label: String?
    }

    private static let curves = [
        Curve(name: "loss", title: "Loss", isLogarithmic: true), Curve(name: "fvu", title: "FVU", isLogarithmic: true),
        Curve(name: "l0", title: "L0"),
        Curve(name: "dead_fraction", title: "Dead latents", label: "format(datum.value, '~%')"),
        Curve(
            name: "learning_rate", title: "Learning rate", label: "datum.value == 0 ? '0' : format(datum.value, '~e')"),
    ]

    private static func trainingCurves(_ run: RunSummary) -> [ReportSection.Part] {
        let known = Set(curves.map(\.name))
        let others = run.curves.keys.filter { !known.contains($0) }.sorted().map { Curve(name: $0, title: $0) }
        return (curves + others).compactMap { curve in
            // A line that stays level, such as the L0 of a TopK dictionary, is no news.
            guard let points = run.curves[curve.name], Set(points.map { rounded($0.value) }).count > 1 else {
                return nil
            }
            // A logarithm has no place for zero.
            let isLogarithmic = curve.isLogarithmic && points.allSatisfy { $0.value > 0 }
            var yAxis: [String: ChartSpecification] = [:]
            if let label = curve.label { yAxis["labelExpr"] = .string(label) }
            // A logarithmic axis has ticks that it leaves unlabelled; lines at those would only be clutter.
            if isLogarithmic {
                yAxis["gridOpacity"] = ["condition": ["test": "!datum.label", "value": 0], "value": 1]
            }
            let values: ChartSpecification = .array(
                thinned(points).map { ["step": .number(Double($0.step)), "value": .number(rounded($0.value))] })
            return .chart(
                title: curve.title, caption: isLogarithmic ? "logarithmic scale" : nil,
                specification: [
                    "description": .string("\(curve.title) against training step"),
                    "data": ["values": values],
                    "mark": ["type": "line", "interpolate": "monotone"],
                    "encoding": [
                        "x": [
                            "field": "step", "type": "quantitative", "title": "step",
                            "axis": ["labelExpr": "format(datum.value, '~s')"],
                        ],
                        "y": [
                            "field": "value", "type": "quantitative", "title": nil,
                            "scale": isLogarithmic ? ["type": "log", "nice": false] : ["zero": true],
                            "axis": .object(yAxis),
                        ],
                        "tooltip": [
                            ["field": "step", "type": "quantitative", "format": ","],
                            [
                                "field": "value", "type": "quantitative", "title": .string(curve.title),
                                "format": ".4~g",
                            ],
                        ],
                    ],
                ])
        }
    }

    /// At most about 400 points, the last one always: a chart is not wider.
    private static func thinned(_ points: [RunSummary.CurvePoint]) -> [RunSummary.CurvePoint] {
        let step = points.count / 400 + 1
        return points.indices.filter { $0 % step == 0 || $0 == points.count - 1 }.map { points[$0] }
    }

    // MARK: Dictionary

    private static func dictionarySection(atlas: Atlas, latents: [LatentSummary]) throws -> ReportSection {
        let alive = latents.filter { $0.firings > 0 }
        var parts = [
            histogram(
                alive.map { log10($0.density) }, width: 0.2, title: "How often latents fire",
                axis: "share of tokens",
                caption:
                    "\(Report.grouped(latents.count - alive.count)) of \(Report.grouped(latents.count)) never fired here",
                expression: "format(pow(10, datum.value), '~%')")
        ]
        let cosines = try atlas.largestCosines()
        if !cosines.isEmpty {
            parts.append(
                histogram(
                    cosines.map(Double.init), width: 0.02, title: "Nearest latent",
                    axis: "largest decoder cosine with another latent",
                    caption: "duplicates and absorption show near 1", expression: nil))
        }
        parts.append(sourceChart(try atlas.sources()))
        return ReportSection(title: "Dictionary and data", parts: parts)
    }

    private static func histogram(
        _ values: [Double], width: Double, title: String, axis: String, caption: String, expression: String?
    ) -> ReportSection.Part {
        var counts: [Int: Int] = [:]
        for value in values { counts[Int((value / width).rounded(.down)), default: 0] += 1 }
        let bars: [ChartSpecification] = counts.sorted { $0.key < $1.key }.map {
            [
                "from": .number(rounded(Double($0.key) * width)), "to": .number(rounded(Double($0.key + 1) * width)),
                "latents": .number(Double($0.value)),
            ]
        }
        var xAxis: [String: ChartSpecification] = [:]
        if let expression {
            xAxis = ["labelExpr": .string(expression), "tickMinStep": 1, "grid": false]
        }
        return .chart(
            title: title, caption: caption,
            specification: [
                "description": .string("Histogram of latents by \(axis)"),
                "data": ["values": .array(bars)],
                "mark": ["type": "bar", "binSpacing": 1],
                "encoding": [
                    "x": [
                        "field": "from", "type": "quantitative", "bin": ["binned": true], "title": .string(axis),
                        "axis": .object(xAxis),
                    ],
                    "x2": ["field": "to"],
                    "y": ["field": "latents", "type": "quantitative", "title": "latents"],
                    "tooltip": [["field": "latents", "type": "quantitative"]],
                ],
            ])
    }

    /// Sources with a bar of their own; the rest share one.
    private static let chartedSources = 15

    private static func sourceChart(_ sources: [AtlasSource]) -> ReportSection.Part {
        let total = Double(max(sources.reduce(0) { $0 + $1.tokens }, 1))
        var bars = sources.enumerated().sorted { (-$0.element.tokens, $0.offset) < (-$1.element.tokens, $1.offset) }
            .map(\.element)
        if bars.count > chartedSources + 1 {
            let rest = bars[chartedSources...]
            bars[chartedSources...] = [
                AtlasSource(name: "other (\(rest.count))", tokens: rest.reduce(0) { $0 + $1.tokens })
            ]
        }
        return .chart(
            title: "Where the tokens come from", caption: "those that examples are drawn from",
            specification: [
                "description": "Share of tokens per source",
                "height": .number(Double(max(150, 15 * bars.count))),
                "data": [
                    "values": .array(
                        bars.map {
                            [
                                "source": .string($0.name), "share": .number(rounded(Double($0.tokens) / total)),
                                "tokens": .number(Double($0.tokens)),
                            ]
                        })
                ],
                "mark": ["type": "bar"],
                "encoding": [
                    "opacity": [
                        "condition": ["test": "indexof(datum.source, 'other (') == 0", "value": 0.45], "value": 1,
                    ],
                    "x": [
                        "field": "share", "type": "quantitative", "title": "share of tokens", "axis": ["format": "~%"],
                    ],
                    // In the order given: what is left stands last, however much it is.
                    "y": ["field": "source", "type": "nominal", "title": nil, "sort": nil, "axis": ["grid": false]],
                    "tooltip": [
                        ["field": "source", "type": "nominal"],
                        ["field": "tokens", "type": "quantitative", "format": ","],
                        ["field": "share", "type": "quantitative", "format": ".1%"],
                    ],
                ],
            ])
    }

    /// Five significant digits: what a chart shows, at a third of the length.
    static func rounded(_ value: Double, digits: Int = 5) -> Double {
        guard value != 0, value.isFinite else { return value }
        // Through decimal text, so that what is written is short.
        return Double(String(format: "%.\(digits - 1)e", value))!
    }
}
