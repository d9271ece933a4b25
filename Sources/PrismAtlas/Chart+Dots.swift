import PrismCore

extension Chart {
    /// A dot with its interval in a row of its own for each name, coloured by group: figures that are to be compared.
    package static func dots(
        _ title: String, caption: String? = nil, x: Axis,
        _ groups: [(name: String, dots: [(name: String, value: Double, low: Double, high: Double)])]
    ) -> ReportSection.Part {
        let rows = groups.flatMap { group in
            group.dots.filter(\.value.isFinite).map { dot -> ChartSpecification in
                [
                    "group": .string(group.name), "name": .string(dot.name), "x": .short(dot.value),
                    "low": .short(dot.low), "high": .short(dot.high),
                ]
            }
        }
        let name: ChartSpecification = [
            "field": "name", "type": "nominal", "title": nil, "sort": nil, "axis": ["labelLimit": 320],
        ]
        let colour: ChartSpecification = [
            "field": "group", "type": "nominal", "title": nil, "sort": nil,
            "legend": groups.count > 1 ? ["orient": "bottom", "columns": 2, "labelLimit": 260] : nil,
        ]
        let offset: ChartSpecification = ["field": "group", "sort": nil]
        return .chart(
            title: title, caption: caption,
            specification: [
                "description": .string("\(x.title), by row"), "height": ["step": 14],
                "data": ["values": .array(rows)],
                "layer": [
                    [
                        "mark": ["type": "rule"],
                        "encoding": [
                            "y": name, "yOffset": offset, "x": x.encoding("low"), "x2": ["field": "high"],
                            "color": colour,
                        ],
                    ],
                    [
                        "mark": ["type": "point", "filled": true, "size": 45, "opacity": 1],
                        "encoding": [
                            "y": name, "yOffset": offset, "x": x.encoding("x", zero: true), "color": colour,
                            "tooltip": [
                                ["field": "name", "type": "nominal", "title": " "],
                                ["field": "group", "type": "nominal", "title": " "],
                                ["field": "x", "type": "quantitative", "title": .string(x.title), "format": ".3~g"],
                            ],
                        ],
                    ],
                ],
            ])
    }
}
