import Foundation
import PrismAtlas
import PrismCore
import PrismLab
import PrismMetrics

/// What probes showed, on disk: `probes.json` with every number, and `report.html`, which opens offline.
public struct DisentanglementReport {
    public let record: Disentanglement
    private let title, subtitle: String

    public init(title: String, subtitle: String, _ record: Disentanglement) {
        (self.title, self.subtitle, self.record) = (title, subtitle, record)
    }

    /// - Throws: `PrismError` if a file cannot be written.
    public func write(to folder: URL) throws {
        try Files.createFolder(folder)
        try Files.writeAtomically(JSONEncoder.prism.encode(record), to: folder.appending(path: "probes.json"))
        try Report.write(
            .init(title: title, subtitle: subtitle, sections: sections), to: folder.appending(path: "report.html"))
    }

    private var sections: [ReportSection] {
        [summary, probing] + [perturbation, removal, absorption, senses, swaps].compactMap(\.self)
    }

    // MARK: All at one glance

    /// A row for each measure, a column for each set of units.
    public var summaryRows: (columns: [String], rows: [[String]]) {
        let units = record.unitNames.map(\.name)
        var rows: [[String]] = []
        func add(_ label: String, _ value: (String) -> Estimate?) {
            let cells = units.map { value($0).flatMap { $0.value.isFinite ? $0.text("%.3f") : nil } ?? "" }
            if cells.contains(where: { !$0.isEmpty }) { rows.append([label] + cells) }
        }
        for k in [1, 5, 20] { add("sparse probing, accuracy, k = \(k)") { record.accuracy($0, k: k) } }
        for n in [10, 50] { add("TPP, n = \(n)") { record.perturbationScore($0, n: n) } }
        for n in [10, 50] { add("SCR, n = \(n)") { record.removalScore($0, n: n) } }
        func absorption(_ units: String, _ part: KeyPath<Absorption, Estimate>) -> Estimate? {
            record.absorption.first { $0.units == units }?[keyPath: part]
        }
        add("absorption, fraction") { absorption($0, \.fraction) }
        add("absorption, full") { absorption($0, \.full) }
        add("main latents of a class") { absorption($0, \.mainLatents) }
        func senses(_ part: KeyPath<SenseSeparation, Double>) -> (String) -> Estimate? {
            { units in record.senses.first { $0.units == units }.map { Estimate(meanOf: [$0[keyPath: part]]) } }
        }
        add("word senses, accuracy", senses(\.accuracy))
        add("attribute swap, cause") { units in record.swaps.first { $0.units == units }?.cause }
        add("attribute swap, isolation") { units in record.swaps.first { $0.units == units }?.isolation }
        return (["measure"] + units, rows)
    }

    private var summary: ReportSection {
        let table = summaryRows
        return ReportSection(
            title: "At one glance",
            lead:
                "Means with 95% intervals of their spread over tasks or classes. A dictionary of shuffled weights shows what chance gives; neurons, what there was before.",
            parts: [.table(columns: table.columns, rows: table.rows)])
    }

    // MARK: The parts

    private var probing: ReportSection {
        let rankings = UnitRanking.allCases.filter { ranking in
            record.probing.contains { $0.results.contains { $0.ranking == ranking } }
        }
        let names = record.unitNames
        let perRanking = rankings.map { ranking in
            let searches = record.probing.flatMap(\.results).filter { $0.ranking == ranking }.compactMap(\.certain)
            let certain =
                searches.isEmpty
                ? "" : String(format: " (search ended in %.0f%%)", 100 * searches.reduce(0, +) / Double(searches.count))
            return [ranking.label + certain]
                + names.filter { !$0.isControl }.flatMap { name, _ in
                    [1, 2, 5].map { k in
                        record.accuracy(name, ranking, k: k).map { Self.number($0.value) } ?? ""
                    }
                }
        }
        let tasks = record.probing.map { task in
            [task.task, "\(task.classes.count)", task.whole.text("%.3f")]
                + names.flatMap { name, _ in
                    [1, 5].map { k in
                        task.result(name, .meanDifference, k: k).map { $0.accuracy.text("%.3f") } ?? ""
                    }
                }
        }
        return ReportSection(
            title: "Sparse probing",
            lead: """
                Logistic regression on the k units that a ranking puts first, one class against the others, as many examples \
                inside as outside: accuracy on examples of other documents, of which ½ is chance. “All of x” is a probe on \
                the whole activation.
                """,
            parts: [
                curves(
                    "Mean accuracy over the tasks", x: "k, units that the probe sees", y: "accuracy", SparseProbe.sizes
                ) {
                    record.accuracy($0, k: $1)
                },
                .table(
                    columns: ["task", "classes", "all of x"] + names.flatMap { ["\($0.name), k = 1", "k = 5"] },
                    rows: tasks),
                .table(
                    columns: ["ranking"]
                        + names.filter { !$0.isControl }.flatMap { ["\($0.name), k = 1", "k = 2", "k = 5"] },
                    rows: perRanking),
            ])
    }

    private var perturbation: ReportSection? {
        guard !record.perturbation.isEmpty else { return nil }
        let rows = record.perturbation.compactMap { found -> [String]? in
            guard let trial = found.trials.first(where: { $0.n == 50 }) else { return nil }
            return [found.task, found.units]
                + [trial.score, trial.intended, trial.unintended].map { $0.text("%.3f") }
        }
        return ReportSection(
            title: "Taking one class away: targeted probe perturbation",
            lead: """
                What the probe of a class loses when the n units of largest effect on it are taken away, less what the \
                probes of the other classes lose. 0: nothing is hit, or all alike; ½: the class is gone, and nothing else.
                """,
            parts: [
                curves("TPP, mean over the tasks", x: "n, units taken away", y: "TPP", TargetedPerturbation.sizes) {
                    record.perturbationScore($0, n: $1)
                },
                .table(columns: ["task", "units", "TPP, n = 50", "intended", "unintended"], rows: rows),
            ])
    }

    private var removal: ReportSection? {
        guard !record.removal.isEmpty else { return nil }
        let rows = record.removal.map { found in
            [found.wanted, found.unwanted, found.units, Self.number(found.original), Self.number(found.clean)]
                + [10, 50].map { n in
                    found.trials.first { $0.n == n }.map { Self.number($0.score) } ?? ""
                }
        }
        return ReportSection(
            title: "Unlearning a coincidence: spurious correlation removal",
            lead: """
                A probe is fitted on texts in which two labels always agree. Then units of the unwanted label are taken \
                away. 0: the probe is as wrong on the wanted label as before; 1: as right as a probe that never saw the \
                coincidence.
                """,
            parts: [
                curves("SCR, mean over the pairs", x: "n, units taken away", y: "SCR", TargetedPerturbation.sizes) {
                    record.removalScore($0, n: $1)
                },
                .table(
                    columns: ["wanted", "unwanted", "units", "with both", "its own probe", "SCR, n = 10", "n = 50"],
                    rows: rows),
            ])
    }

    private var absorption: ReportSection? {
        guard record.wasAskedForAbsorption else { return nil }
        let rows = record.absorption.filter { !$0.isControl }.flatMap { found in
            found.classes.map { own in
                [
                    own.name, Self.number(own.probeF1), Self.number(own.mainF1),
                    own.mainLatents.map(String.init).joined(separator: " "), "\(own.recognised)",
                    Self.number(own.fraction), Self.number(own.full),
                ]
            }
        }
        return ReportSection(
            title: "Absorption and splitting",
            lead: """
                Whether a class’s main latents fall silent on examples that a probe on the activation still recognises, \
                while another latent carries what they left. Of a dictionary that has learned little of the class (its main \
                latents’ F1 far below the probe’s) this says little.
                """,
            parts: rows.isEmpty
                ? [
                    .text(
                        body:
                            "No class’s probe reaches an F1 of \(Absorption.probeF1) here, so there is nothing to absorb."
                    )
                ]
                : [
                    .table(
                        columns: [
                            "class", "probe’s F1", "main latents’ F1", "main latents", "recognised",
                            "fraction absorbed",
                            "fully absorbed",
                        ], rows: rows)
                ])
    }

    private var senses: ReportSection? {
        guard let first = record.senses.first else { return nil }
        let rows = record.senses.map { found in
            [found.units]
                + [found.accuracy, found.precision, found.recall, found.specificity, found.f1].map(Self.number)
                + [found.truePositives, found.falseNegatives, found.trueNegatives, found.falsePositives].map(
                    String.init)
        }
        return ReportSection(
            title: "Senses of a word",
            lead: """
                \(first.words) words that mean one thing in English prose and another in code or in another language, \
                \(first.pairs) pairs of occurrences, half of them of one sense. Two are said to be of the same sense if the \
                same unit responds most to both. Recall without specificity is a unit of the word, whatever it means.
                """,
            parts: [
                .table(
                    columns: [
                        "units", "accuracy", "precision", "recall", "specificity", "F1", "same, said same",
                        "same, said different",
                        "different, said different", "different, said same",
                    ], rows: rows)
            ])
    }

    private var swaps: ReportSection? {
        guard !record.swaps.isEmpty else { return nil }
        let rows = record.swaps.flatMap { found in
            found.attributes.map { own in
                [found.units, own.attribute]
                    + [own.readable, own.score, own.cause, own.isolation, own.isolationOfAll].map(Self.number)
                    + ["\(own.maskSize)"]
            }
        }
        return ReportSection(
            title: "Changing one attribute of a word",
            lead: """
                RAVEL’s form: through a learned mask of units a word takes over one attribute of another word; cause is \
                how often a linear probe then says the new value, isolation how often the probes of the other attributes \
                still say the old ones, and the score their mean. Beside it the isolation of swapping all units.
                """,
            parts: [
                .table(
                    columns: [
                        "units", "attribute", "readable", "score", "cause", "isolation", "isolation, all units",
                        "units in the mask",
                    ],
                    rows: rows)
            ])
    }

    /// What each set of units reaches with so many units, controls dashed.
    private func curves(
        _ title: String, x: String, y: String, _ sizes: [Int], value: (_ units: String, _ size: Int) -> Estimate?
    ) -> ReportSection.Part {
        Chart.lines(
            title, x: .init(x, log: true), y: .init(y),
            record.unitNames.map { name, isControl in
                Chart.Series(
                    name: name,
                    points: sizes.compactMap { size in value(name, size).map { (Double(size), $0.value) } },
                    isTheory: isControl)
            })
    }

    private static func number(_ value: Double) -> String { value.isFinite ? String(format: "%.3f", value) : "" }
}
