import PrismAtlas
import PrismTensor

/// How Elhage et al. (2022) draw the embeddings of a toy model.
extension Chart {
    /// WᵀW: on the diagonal how strongly each feature is represented, off it how features interfere.
    static func gram(_ title: String, caption: String? = nil, _ geometry: FeatureGeometry) -> ReportSection.Part {
        heatMap(
            title, caption: caption, rows: (0..<geometry.featureCount).map { Array(geometry.gram.row($0)) },
            x: "feature", y: "feature", limit: 1)
    }

    /// A bar ‖Wᵢ‖ for each feature, dark where it is alone and yellow where its superposition Σⱼ (Ŵᵢ·Wⱼ)², j ≠ i, is 1.
    static func norms(_ title: String, caption: String? = nil, _ geometry: FeatureGeometry) -> ReportSection.Part {
        let bars = zip(geometry.norms, geometry.interference).enumerated().map { i, feature -> ChartSpecification in
            ["feature": .number(Double(i)), "norm": .short(feature.0), "superposition": .short(min(1, feature.1))]
        }
        return .chart(
            title: title, caption: caption,
            specification: [
                "description": .string(title), "height": 110, "data": ["values": .array(bars)],
                "mark": ["type": "bar"],
                "encoding": [
                    "x": ["field": "feature", "type": "ordinal", "title": "feature", "axis": ["labelOverlap": true]],
                    "y": ["field": "norm", "type": "quantitative", "title": "‖Wᵢ‖", "scale": ["domain": [0, 1.5]]],
                    "color": [
                        "field": "superposition", "type": "quantitative", "title": "superposition",
                        "scale": ["scheme": "viridis", "domain": [0, 1]],
                        "legend": ["orient": "bottom", "gradientLength": 120],
                    ],
                    "tooltip": [
                        ["field": "feature", "type": "ordinal"],
                        ["field": "norm", "type": "quantitative", "format": ".3~g"],
                        ["field": "superposition", "type": "quantitative", "format": ".3~g"],
                    ],
                ],
            ])
    }
}
