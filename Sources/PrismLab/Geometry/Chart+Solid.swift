import PrismAtlas
import PrismTensor

extension Chart {
    /// Embeddings in two or three dimensions with the edges of the solid whose vertices they are, seen from a fixed angle;
    /// what is behind is fainter. - embeddings: [features, 2 or 3].
    static func solid(_ title: String, caption: String? = nil, embeddings: DoubleMatrix, side: Int = 200)
        -> ReportSection.Part
    {
        let isFlat = embeddings.columnCount < 3
        let points = (0..<embeddings.rowCount).map { i -> (x: Double, y: Double, depth: Double) in
            let v = Array(embeddings.row(i)) + [0, 0]
            guard !isFlat else { return (v[0], v[1], 1) }
            // Turned by 25° about the vertical axis, then tilted by 20°, so that no two vertices of our solids coincide.
            let (x, depth) = (0.906 * v[0] - 0.423 * v[1], 0.423 * v[0] + 0.906 * v[1])
            return (x, 0.940 * v[2] - 0.342 * depth, 0.940 * depth + 0.342 * v[2])
        }
        let weight = points.map { isFlat ? 1 : 0.35 + 0.65 * ($0.depth + 1.2) / 2.4 }
        func squaredDistance(_ i: Int, _ j: Int) -> Double {
            zip(embeddings.row(i), embeddings.row(j)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        }
        let pairs = points.indices.flatMap { i in points.indices.filter { $0 > i }.map { (i, $0) } }
        // Edges of these solids are at most a quarter longer than the shortest, diagonals at least a third.
        let shortest = pairs.map { squaredDistance($0.0, $0.1) }.min() ?? 0
        let edges = pairs.filter { squaredDistance($0.0, $0.1) < 1.5625 * shortest }
        func position(_ field: String) -> ChartSpecification {
            [
                "field": .string(field), "type": "quantitative", "title": nil,
                "scale": ["domain": [-1.2, 1.2]], "axis": nil,
            ]
        }
        func lines(_ values: [ChartSpecification], width: Double) -> ChartSpecification {
            [
                "data": ["values": .array(values)],
                "mark": ["type": "rule", "strokeWidth": .number(width)],
                "encoding": [
                    "x": position("x"), "y": position("y"), "x2": ["field": "x2"], "y2": ["field": "y2"],
                    "opacity": ["field": "weight", "type": "quantitative", "scale": nil],
                ],
            ]
        }
        func line(_ from: (Double, Double), _ to: (Double, Double), _ weight: Double) -> ChartSpecification {
            [
                "x": .short(from.0), "y": .short(from.1), "x2": .short(to.0), "y2": .short(to.1),
                "weight": .short(weight),
            ]
        }
        return .chart(
            title: title, caption: caption,
            specification: [
                "description": .string(title), "width": .number(Double(side)), "height": .number(Double(side)),
                "layer": [
                    lines(
                        edges.map { i, j in
                            line((points[i].x, points[i].y), (points[j].x, points[j].y), min(weight[i], weight[j]) / 2)
                        }, width: 1),
                    lines(points.indices.map { line((0, 0), (points[$0].x, points[$0].y), weight[$0]) }, width: 2.5),
                    [
                        "data": [
                            "values": .array(
                                points.indices.map {
                                    [
                                        "x": .short(points[$0].x), "y": .short(points[$0].y),
                                        "weight": .short(weight[$0]),
                                    ]
                                })
                        ],
                        "mark": ["type": "point", "filled": true, "size": 60],
                        "encoding": [
                            "x": position("x"), "y": position("y"),
                            "opacity": ["field": "weight", "type": "quantitative", "scale": nil],
                        ],
                    ],
                ],
            ])
    }
}
