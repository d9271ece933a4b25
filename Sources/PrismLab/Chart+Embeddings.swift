import PrismAtlas
import PrismTensor

extension Chart {
    /// The embeddings of a toy model as Elhage et al. (2022) draw them: WᵀW (on the diagonal how strongly each feature is
    /// represented, off it how features interfere), and a bar ‖Wᵢ‖ for each feature, which is the lighter the more of its
    /// direction others use: Σⱼ (Ŵᵢ·Wⱼ)² over j ≠ i.
    static func embeddings(_ title: String, caption: String? = nil, _ geometry: FeatureGeometry) -> ReportSection.Part {
        let features = 0..<geometry.featureCount
        let cells = features.flatMap { i in
            features.map { j -> ChartSpecification in
                ["i": .number(Double(i)), "j": .number(Double(j)), "dot": .short(geometry.gram[i, j])]
            }
        }
        let bars = zip(geometry.norms, geometry.interference).enumerated().map { i, feature -> ChartSpecification in
            ["i": .number(Double(i)), "norm": .short(feature.0), "superposition": .short(min(1, feature.1))]
        }
        let axis: ChartSpecification = [
            "labels": .bool(features.count <= 24), "labelAngle": 0, "labelOverlap": true, "ticks": false,
            "domain": false,
        ]
        let row: ChartSpecification = ["field": "i", "type": "ordinal", "title": nil, "axis": axis]
        return .chart(
            title: title, caption: caption,
            specification: [
                "description": .string("WᵀW and ‖Wᵢ‖: \(title)"), "spacing": 12,
                "resolve": ["scale": ["color": "independent"]],
                "hconcat": [
                    [
                        "width": 190, "height": 190, "data": ["values": .array(cells)], "mark": "rect",
                        "encoding": [
                            "x": ["field": "j", "type": "ordinal", "title": "WᵀW", "axis": axis], "y": row,
                            "color": [
                                "field": "dot", "type": "quantitative", "legend": nil,
                                "scale": ["scheme": "redblue", "reverse": true, "domain": [-1, 1], "clamp": true],
                            ],
                            "tooltip": [["field": "dot", "type": "quantitative", "format": ".3~g"]],
                        ],
                    ],
                    [
                        "width": 110, "height": 190, "data": ["values": .array(bars)], "mark": "bar",
                        "encoding": [
                            "x": [
                                "field": "norm", "type": "quantitative", "title": "‖Wᵢ‖",
                                "scale": ["domain": [0, 1.25], "clamp": true], "axis": ["values": [0, 0.5, 1]],
                            ],
                            "y": row,
                            "color": [
                                "field": "superposition", "type": "quantitative", "title": "superposition",
                                "scale": ["scheme": "viridis", "domain": [0, 1]],
                                "legend": ["gradientLength": 100, "values": [0, 0.5, 1]],
                            ],
                            "tooltip": [
                                ["field": "i", "type": "ordinal", "title": "feature"],
                                ["field": "norm", "type": "quantitative", "format": ".3~g"],
                                ["field": "superposition", "type": "quantitative", "format": ".3~g"],
                            ],
                        ],
                    ],
                ],
            ])
    }
}
