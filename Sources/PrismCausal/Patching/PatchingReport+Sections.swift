import PrismAtlas
import PrismMetrics

extension PatchingReport {
    var sections: [ReportSection] {
        [answering] + (record.maps.isEmpty ? [] : [maps]) + (record.units.isEmpty ? [] : [units])
    }

    private var answering: ReportSection {
        let (table, heading) = (answeringRows, record.heading)
        return ReportSection(
            title: "The task",
            lead: """
                Log odds of the answers against the foils after the last token, in nats; with one of each, their logit \
                difference. Means over the pairs with 95% intervals. Effects below are normalised: 0 where the patched run \
                answers as before, 1 where it answers as the other run does.
                """,
            parts: [
                .table(columns: table.columns, rows: table.rows),
                .table(
                    columns: ["an example", ""],
                    rows: [
                        ["clean", heading.clean], ["corrupt", heading.corrupt],
                        ["answer, foil", "\(heading.answers), \(heading.foils)"],
                    ]),
            ])
    }

    private var maps: ReportSection {
        let strongest = strongestRows(10)
        let charts = record.maps.map { map in
            Chart.heatMap(
                map.title.prefix(1).uppercased() + map.title.dropFirst(), rows: map.effects.map { $0.map(\.value) },
                x: map.axis, y: "layer", side: max(160, 13 * map.layers.count),
                labels: (map.layers.map(String.init), map.columns))
        }
        return ReportSection(
            title: "Where the answer is decided",
            lead: """
                Effect of patching one place in all pairs that have it. A position is called by the nearest word before it. \
                What lies before the first difference of the prompts is the same in both runs and is not shown.
                """,
            parts: charts + [.table(columns: strongest.columns, rows: strongest.rows)])
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
                Units ranked by attribution, (source − base) · gradient, on half of the pairs, and the first n patched \
                together in the other half. The whole is the activation, of latents with what the dictionary leaves out.
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
