import PrismAtlas
import PrismMetrics

extension PatchingReport {
    var sections: [ReportSection] { [answering] + record.maps.map(section) + (record.units.isEmpty ? [] : [units]) }

    private var answering: ReportSection {
        let table = answeringRows
        return ReportSection(
            title: "The task",
            lead: """
                Log odds of the answer against the foil after the last token, in nats; with one of each, their logit \
                difference. Means over the pairs with 95% intervals. Effects below are normalised: 0 where the patched run \
                answers as before, 1 where it answers as the other run does.
                """,
            parts: [.table(columns: table.columns, rows: table.rows)])
    }

    private func section(_ map: PatchingMap) -> ReportSection {
        let rows = map.ranked.prefix(12).map { found -> [String] in
            [
                map.axis == "head" && found.column != "MLP"
                    ? "\(found.layer).\(found.column)" : "\(found.layer), \(found.column)", Self.interval(found.effect),
            ]
        }
        return ReportSection(
            title: map.title.prefix(1).uppercased() + map.title.dropFirst(),
            parts: [
                Chart.heatMap(
                    "Effect by layer and \(map.axis)", rows: map.effects.map { $0.map(\.value) }, x: map.axis,
                    y: "layer", side: max(160, 15 * map.layers.count),
                    labels: (map.layers.map(String.init), map.columns)),
                .table(columns: [map.axis == "head" ? "head" : "layer, position", "effect"], rows: rows),
            ])
    }

    private var units: ReportSection {
        let table = neededRows
        let curves = record.units.map { units in
            Chart.Series(
                name: units.name, points: units.curve.map { (Double($0.units), $0.effect.value) },
                spread: units.curve.map { ($0.effect.low, $0.effect.high) })
        }
        let points = record.units.map { units in
            (name: units.name, points: units.units.map { (x: $0.attributed, y: $0.effect.value) })
        }
        let labels = record.units.map { $0.units.map { "layer \($0.layer), \($0.index)" } }
        return ReportSection(
            title: "How many units it takes",
            lead: """
                Units ranked by attribution, (source − base) · gradient, and the first n patched together. All together: \
                the whole activation, of latents with what the dictionary leaves out.
                """,
            parts: [
                .table(columns: table.columns, rows: table.rows),
                Chart.lines(
                    "Effect of the first n units", x: .init("units patched together", log: true),
                    y: .init("effect"), curves),
                Chart.scatter(
                    "Attribution against patching", caption: "one unit each", x: .init("attributed effect"),
                    y: .init("effect of patching it"), points, labels: labels),
            ])
    }
}
