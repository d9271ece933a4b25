import PrismCore

/// Figures as the field draws them, as Vega-Lite specifications with their data inside.
package enum Chart {
    package struct Axis {
        package var title: String
        package var isLogarithmic = false
        package var domain: ClosedRange<Double>?

        package init(_ title: String, log isLogarithmic: Bool = false, domain: ClosedRange<Double>? = nil) {
            self.title = title
            self.isLogarithmic = isLogarithmic
            self.domain = domain
        }

        func encoding(_ field: String, zero: Bool = false) -> ChartSpecification {
            var scale: [String: ChartSpecification] = isLogarithmic ? ["type": "log", "nice": false] : [:]
            if let domain { scale["domain"] = [.short(domain.lowerBound), .short(domain.upperBound)] }
            if domain == nil, !isLogarithmic { scale["zero"] = .bool(zero) }
            var axis: [String: ChartSpecification] = [:]
            if isLogarithmic { axis["gridOpacity"] = ["condition": ["test": "!datum.label", "value": 0], "value": 1] }
            return [
                "field": .string(field), "type": "quantitative", "title": .string(title), "scale": .object(scale),
                "axis": .object(axis),
            ]
        }
    }

    /// A line of a chart. - isTheory: drawn dashed and without points, to be told from what was measured.
    package struct Series {
        package var name: String
        package var points: [(x: Double, y: Double)]
        package var isTheory = false
        /// For each point the least and the largest over repetitions.
        package var spread: [(low: Double, high: Double)]?

        package init(
            name: String, points: [(x: Double, y: Double)], isTheory: Bool = false,
            spread: [(low: Double, high: Double)]? = nil
        ) {
            self.name = name
            self.points = points
            self.isTheory = isTheory
            self.spread = spread
        }
    }

    package static func lines(
        _ title: String, caption: String? = nil, x: Axis, y: Axis, height: Int = 240, _ series: [Series]
    ) -> ReportSection.Part {
        let names = series.map { ChartSpecification.string($0.name) }
        let colour: ChartSpecification = [
            "field": "series", "type": "nominal", "title": nil, "sort": nil, "scale": ["domain": .array(names)],
            "legend": series.count > 1 ? ["orient": "bottom", "columns": 2, "labelLimit": 260] : nil,
        ]
        func data(_ chosen: [Series]) -> ChartSpecification {
            [
                "values": .array(
                    chosen.flatMap { series in
                        series.points.enumerated().filter { $0.element.x.isFinite && $0.element.y.isFinite }.map {
                            i, point in
                            var row: [String: ChartSpecification] = [
                                "series": .string(series.name), "x": .short(point.x), "y": .short(point.y),
                            ]
                            if let spread = series.spread {
                                (row["low"], row["high"]) = (.short(spread[i].low), .short(spread[i].high))
                            }
                            return .object(row)
                        }
                    })
            ]
        }
        let tooltip: ChartSpecification = [
            ["field": "series", "type": "nominal"],
            ["field": "x", "type": "quantitative", "title": .string(x.title), "format": ".4~g"],
            ["field": "y", "type": "quantitative", "title": .string(y.title), "format": ".4~g"],
        ]
        let position: [String: ChartSpecification] = ["x": x.encoding("x"), "y": y.encoding("y"), "color": colour]
        let (theory, measured) = (series.filter(\.isTheory), series.filter { !$0.isTheory })
        var layers: [ChartSpecification] = []
        if !theory.isEmpty {
            layers.append([
                "data": data(theory), "mark": ["type": "line", "strokeDash": [5, 4], "strokeWidth": 1.5],
                "encoding": .object(position),
            ])
        }
        if !measured.isEmpty {
            layers.append([
                "data": data(measured), "mark": ["type": "line", "point": ["size": 28, "filled": true]],
                "encoding": .object(position.merging(["tooltip": tooltip]) { $1 }),
            ])
        }
        if measured.contains(where: { $0.spread != nil }) {
            layers.append([
                "data": data(measured.filter { $0.spread != nil }), "mark": ["type": "rule", "strokeWidth": 1],
                "encoding": [
                    "x": x.encoding("x"), "color": colour, "y": y.encoding("low"), "y2": ["field": "high"],
                ],
            ])
        }
        return .chart(
            title: title, caption: caption,
            specification: [
                "description": .string("\(y.title) against \(x.title)"), "height": .number(Double(height)),
                "layer": .array(layers),
            ])
    }

    /// Points in the plane, coloured by kind.
    package static func scatter(
        _ title: String, caption: String? = nil, x: Axis, y: Axis, height: Int = 240,
        _ groups: [(name: String, points: [(x: Double, y: Double)])], labels: [[String]]? = nil
    ) -> ReportSection.Part {
        let tooltip: ChartSpecification? = labels.map { _ in [["field": "label", "type": "nominal", "title": " "]] }
        return .chart(
            title: title, caption: caption,
            specification: [
                "description": .string("\(y.title) against \(x.title)"), "height": .number(Double(height)),
                "data": [
                    "values": .array(
                        groups.enumerated().flatMap { place, group in
                            group.points.enumerated().filter { $1.x.isFinite && $1.y.isFinite }.map { number, point in
                                var row: [String: ChartSpecification] = [
                                    "group": .string(group.name), "x": .short(point.x), "y": .short(point.y),
                                ]
                                row["label"] = labels.map { .string($0[place][number]) }
                                return .object(row)
                            }
                        })
                ],
                "mark": ["type": "point", "filled": true, "size": 22, "opacity": 0.6],
                "encoding": .object(
                    [
                        "x": x.encoding("x"), "y": y.encoding("y"),
                        "color": [
                            "field": "group", "type": "nominal", "title": nil, "sort": nil,
                            "legend": groups.count > 1 ? ["orient": "bottom", "columns": 2, "labelLimit": 260] : nil,
                        ],
                    ].merging(tooltip.map { ["tooltip": $0] } ?? [:]) { $1 }),
            ])
    }

    /// A matrix as coloured cells, blue below zero and red above, as WᵀW is drawn; cells of NaN are left out.
    /// - rows: the first is drawn on top. labels: names of rows and columns; without them their numbers.
    package static func heatMap(
        _ title: String, caption: String? = nil, rows: [[Double]], x: String = "", y: String = "", limit: Double? = nil,
        side: Int = 220, labels: (rows: [String], columns: [String])? = nil
    ) -> ReportSection.Part {
        let largest = limit ?? max(rows.joined().filter(\.isFinite).map(abs).max() ?? 1, 1e-9)
        func label(_ names: [String]?, _ place: Int) -> ChartSpecification {
            names.map { .string($0[place]) } ?? .number(Double(place))
        }
        let values = rows.enumerated().flatMap { r, row in
            row.enumerated().filter { $1.isFinite }.map { c, value -> ChartSpecification in
                ["r": label(labels?.rows, r), "c": label(labels?.columns, c), "v": .short(value)]
            }
        }
        func encoding(_ field: String, _ title: String, _ names: [String]?) -> ChartSpecification {
            let axis: ChartSpecification = [
                "labels": .bool(names != nil || rows.count <= 24), "labelAngle": 0, "labelOverlap": true,
                "ticks": false, "domain": false,
            ]
            var encoding: [String: ChartSpecification] = [
                "field": .string(field), "type": "ordinal", "title": .string(title), "axis": axis,
            ]
            if let names {
                encoding["sort"] = nil
                encoding["scale"] = ["domain": .array(names.map { .string($0) })]
            }
            return .object(encoding)
        }
        let named: [ChartSpecification] =
            labels == nil
            ? []
            : [
                ["field": "r", "type": "nominal", "title": .string(y)],
                ["field": "c", "type": "nominal", "title": .string(x)],
            ]
        return .chart(
            title: title, caption: caption,
            specification: [
                "description": .string(title), "height": .number(Double(side)), "data": ["values": .array(values)],
                "mark": ["type": "rect"],
                "encoding": [
                    "x": encoding("c", x, labels?.columns), "y": encoding("r", y, labels?.rows),
                    "color": [
                        "field": "v", "type": "quantitative", "title": nil, "legend": ["format": ".2~g"],
                        "scale": [
                            "scheme": "redblue", "reverse": true, "domain": [.short(-largest), .short(largest)],
                        ],
                    ],
                    "tooltip": .array(named + [["field": "v", "type": "quantitative", "format": ".3~g"]]),
                ],
            ])
    }

    /// Cells of a grid that each belong to a phase. - cells: x and y are the grid's values, shown in the order given.
    package static func phaseMap(
        _ title: String, caption: String? = nil, x: String, y: String, phases: [String],
        cells: [(x: Double, y: Double, phase: String)], side: Int = 240
    ) -> ReportSection.Part {
        .chart(
            title: title, caption: caption,
            specification: [
                "description": .string(title), "height": .number(Double(side)),
                "data": [
                    "values": .array(
                        cells.map { ["x": .short($0.x), "y": .short($0.y), "phase": .string($0.phase)] })
                ],
                "mark": ["type": "rect"],
                "encoding": [
                    "x": [
                        "field": "x", "type": "ordinal", "title": .string(x),
                        "axis": ["format": ".2~g", "labelOverlap": true],
                    ],
                    "y": [
                        "field": "y", "type": "ordinal", "title": .string(y), "sort": "descending",
                        "axis": ["format": ".2~g", "labelOverlap": true],
                    ],
                    "color": [
                        "field": "phase", "type": "nominal", "title": nil,
                        "scale": ["domain": .array(phases.map { .string($0) })],
                        "legend": ["orient": "bottom", "columns": 2, "labelLimit": 260],
                    ],
                    "tooltip": [
                        ["field": "phase", "type": "nominal"],
                        ["field": "x", "type": "quantitative", "title": .string(x), "format": ".3~g"],
                        ["field": "y", "type": "quantitative", "title": .string(y), "format": ".3~g"],
                    ],
                ],
            ])
    }

    /// Features as rays from the origin of a plane. - features: each one's two coordinates; weight: from 0 (faint) to 1.
    package static func stars(
        _ title: String, caption: String? = nil, features: [(x: Double, y: Double, weight: Double)], side: Int = 200
    ) -> ReportSection.Part {
        let reach = max(1.2, 1.05 * (features.map { max(abs($0.x), abs($0.y)) }.max() ?? 1))
        let values = features.enumerated().map { i, feature -> ChartSpecification in
            [
                "feature": .number(Double(i)), "x": .short(feature.x), "y": .short(feature.y),
                "weight": .short(feature.weight), "zero": 0,
            ]
        }
        func position(_ field: String) -> ChartSpecification {
            [
                "field": .string(field), "type": "quantitative", "title": nil,
                "scale": ["domain": [.short(-reach), .short(reach)]], "axis": ["grid": false, "values": [-1, 0, 1]],
            ]
        }
        let colour: ChartSpecification = [
            "field": "weight", "type": "quantitative", "legend": nil,
            "scale": ["scheme": "viridis", "domain": [1, 0]],
        ]
        return .chart(
            title: title, caption: caption,
            specification: [
                "description": .string(title), "width": .number(Double(side)), "height": .number(Double(side)),
                "data": ["values": .array(values)],
                "layer": [
                    [
                        "mark": ["type": "rule", "strokeWidth": 2],
                        "encoding": [
                            "x": position("zero"), "y": position("zero"), "x2": ["field": "x"], "y2": ["field": "y"],
                            "color": colour,
                        ],
                    ],
                    [
                        "mark": ["type": "point", "filled": true, "size": 60, "opacity": 1],
                        "encoding": [
                            "x": position("x"), "y": position("y"), "color": colour,
                            "tooltip": [["field": "feature", "type": "quantitative"]],
                        ],
                    ],
                ],
            ])
    }

    /// How often values fall into bins of equal width, centred at multiples of it. - range: of the axis, if not the data's.
    package static func histogram(
        _ title: String, caption: String? = nil, x: String, width: Double, range: ClosedRange<Double>? = nil,
        values: [Double], unit: String
    ) -> ReportSection.Part {
        var counts: [Int: Int] = [:]
        for value in values where value.isFinite { counts[Int((value / width).rounded()), default: 0] += 1 }
        let scale: ChartSpecification =
            range.map { ["domain": [.short($0.lowerBound - width), .short($0.upperBound + width)]] } ?? [:]
        let bars = counts.sorted { $0.key < $1.key }.map { bin, count -> ChartSpecification in
            [
                "from": .short((Double(bin) - 0.5) * width), "to": .short((Double(bin) + 0.5) * width),
                "count": .number(Double(count)),
            ]
        }
        return .chart(
            title: title, caption: caption,
            specification: [
                "description": .string("Histogram by \(x)"), "data": ["values": .array(bars)],
                "mark": ["type": "bar", "binSpacing": 0],
                "encoding": [
                    "x": [
                        "field": "from", "type": "quantitative", "bin": ["binned": true], "title": .string(x),
                        "scale": scale,
                    ],
                    "x2": ["field": "to"],
                    "y": ["field": "count", "type": "quantitative", "title": .string(unit)],
                    "tooltip": [["field": "count", "type": "quantitative"]],
                ],
            ])
    }
}

extension Chart.Series {
    /// The median of the repetitions at each place, with the least and the largest.
    package init(_ name: String, repetitions: [(x: Double, values: [Double])]) {
        self.init(
            name: name, points: repetitions.map { ($0.x, $0.values.median) },
            spread: repetitions.map { ($0.values.min()!, $0.values.max()!) })
    }
}
