import Foundation
import PrismAtlas
import PrismCore
import PrismLab
import PrismMetrics

/// What a spectrum shows, on disk: `spectrum.json` with every number, and `report.html`, which opens offline.
public struct SpectrumReport {
    private let title, subtitle: String
    private let spectrum: Spectrum
    private let ledger: ErrorLedger?
    private let localisations: [Localisation]
    private let geometry: LatentGeometry?
    private let audit: Audit
    private let excerpt: (UnitExample) -> TextExcerpt

    /// - ledger, geometry: of the dictionary, if there is one. localisations: if the model was asked. excerpt: the text of an
    ///   example.
    public init(
        title: String, subtitle: String, _ spectrum: Spectrum, ledger: ErrorLedger?, localisations: [Localisation] = [],
        geometry: LatentGeometry? = nil, audit: Audit, excerpt: @escaping (UnitExample) -> TextExcerpt
    ) {
        self.title = title
        self.subtitle = subtitle
        self.spectrum = spectrum
        self.ledger = ledger
        self.localisations = localisations
        self.geometry = geometry
        self.audit = audit
        self.excerpt = excerpt
    }

    /// What is stored.
    public struct Record: Encodable {
        public let spectrum: Spectrum
        /// Nil without a dictionary.
        public let ledger: ErrorLedger?
        public let localisations: [Localisation]
        public let geometry: LatentGeometry?
        public let audit: Audit
    }

    public var record: Record {
        Record(
            spectrum: spectrum, ledger: ledger, localisations: localisations, geometry: geometry, audit: audit)
    }

    /// - Throws: `PrismError` if a file cannot be written.
    public func write(to folder: URL) throws {
        try Files.createFolder(folder)
        // Thousands of units: indented, the file would be more than twice as long.
        let encoder = JSONEncoder.prism
        encoder.outputFormatting.remove(.prettyPrinted)
        try Files.writeAtomically(encoder.encode(record), to: folder.appending(path: "spectrum.json"))
        try Report.write(
            .init(title: title, subtitle: subtitle, sections: sections, units: units),
            to: folder.appending(path: "report.html"))
    }

    private var sections: [ReportSection] {
        (answer.map { [$0] } ?? []) + [positions, detectors, probing] + (localisations.isEmpty ? [] : [localisation])
            + (ledger.map { [Self.section($0)] } ?? [])
            + (geometry?.sections(name: latentName) ?? []) + [auditSection]
    }

    /// A latent's number with the token of its first example, if it has any.
    private func latentName(_ latent: Int) -> String {
        let example = spectrum.part("latents")?.units[latent].examples.first.map {
            excerpt($0).token.replacing("\n", with: "↵").replacing("\t", with: "⇥")
        }
        // Isolated, so that a token of Arabic does not turn its row around.
        return example.map { "\(latent) \u{2068}«\($0)»\u{2069}" } ?? "\(latent)"
    }

    private var subjects: [Spectrum.Part] { spectrum.parts.filter { !$0.isControl } }

    // MARK: In short

    /// The question of Towards Monosemanticity (Bricken et al. 2023), answered with this text's numbers and its controls.
    private var answer: ReportSection? {
        guard let neurons = spectrum.part("neurons"), let latents = spectrum.part("latents"),
            let shuffled = spectrum.part("latents, shuffled weights")
        else { return nil }
        let compared = spectrum.concepts.indices.filter { neurons.best[$0] != nil && latents.best[$0] != nil }
        func wins(_ part: Spectrum.Part) -> Int {
            compared.count { part.best[$0]?.correlation ?? -1 > neurons.best[$0]!.correlation }
        }
        func medians(_ metric: SpectrumMetric) -> String {
            [latents, neurons, shuffled].map { Self.number($0.median(metric)) }.joined(separator: ", ")
        }
        func accuracy(_ part: Spectrum.Part) -> Double {
            let own = part.probes.compactMap { $0.probe.trials.first { $0.k == 1 }?.quality.accuracy }
            return own.reduce(0, +) / Double(max(1, own.count))
        }
        var lines = [
            "Of \(compared.count) concepts \(wins(latents)) go better with a latent than with any neuron, chosen on one half of the contexts and measured on the other; of a dictionary of shuffled weights it is \(wins(shuffled)).",
            "Medians over latents, neurons and latents of shuffled weights: coherence of what a unit responds to \(medians(.coherence)), best concept’s correlation \(medians(.correlation)), share of the response that concepts explain \(medians(.explained)), selectivity \(medians(.selectivity)), effective concepts \(medians(.effectiveConcepts)).",
            "A number in which latents and shuffled weights agree shows how seldom latents fire, not what they mean.",
            "The one unit that tells a concept best tells \(Self.number(100 * accuracy(latents)))% of balanced tokens if it is a latent, \(Self.number(100 * accuracy(neurons)))% if it is a neuron.",
        ]
        if let share = geometry?.shareWithoutNeuron {
            lines.append(
                "\(Self.number(100 * share))% of the latents have no neuron that their activation correlates with by more than .3."
            )
        }
        return ReportSection(
            title: "Do latents mean one thing where neurons mean many?",
            parts: [.text(body: lines.joined(separator: "\n\n"))])
    }

    // MARK: Distributions

    private var positions: ReportSection {
        ReportSection(
            title: "From polysemantic to monosemantic",
            lead:
                "Medians over the units of each set, and how the units are spread; controls, dashed, are what chance gives.",
            parts: [Self.medians(spectrum)] + SpectrumMetric.allCases.map(distribution))
    }

    /// The median of every metric, a row for each set.
    public static func medianRows(_ spectrum: Spectrum) -> (columns: [String], rows: [[String]]) {
        let columns = ["units", "count", "active", "with a concept"] + SpectrumMetric.allCases.map(\.label)
        let rows = spectrum.parts.map { part -> [String] in
            [
                part.name, "\(part.units.count)", "\(part.units.count { $0.profile != nil })",
                "\(part.values(.selectivity).count)",
            ] + SpectrumMetric.allCases.map { number(part.median($0)) }
        }
        return (columns, rows)
    }

    private static func medians(_ spectrum: Spectrum) -> ReportSection.Part {
        let table = medianRows(spectrum)
        return .table(columns: table.columns, rows: table.rows)
    }

    private func distribution(_ metric: SpectrumMetric) -> ReportSection.Part {
        let isCount = !metric.growsWithMonosemanticity
        // Counts of concepts are far apart at the one end only, so that their axis is logarithmic.
        func place(_ value: Double) -> Double { isCount ? log10(max(1, value)) : value }
        let all = spectrum.parts.flatMap { $0.values(metric).map(place) }
        let (low, high) = (min(0, all.min() ?? 0), max(isCount ? 0.5 : 1, all.max() ?? 1))
        let bins = 32
        let series = spectrum.parts.compactMap { part -> Chart.Series? in
            let values = part.values(metric).map(place)
            guard !values.isEmpty else { return nil }
            var counts = [Double](repeating: 0, count: bins)
            for value in values { counts[min(bins - 1, Int((value - low) / (high - low) * Double(bins)))] += 1 }
            let points = counts.indices.map { bin in
                let centre = low + (Double(bin) + 0.5) / Double(bins) * (high - low)
                return (x: isCount ? pow(10, centre) : centre, y: counts[bin] / Double(values.count))
            }
            return Chart.Series(name: part.name, points: points, isTheory: part.isControl)
        }
        return Chart.lines(
            metric.label, caption: metric.definition, x: .init(metric.label, log: isCount),
            y: .init("share of the units"),
            series)
    }

    // MARK: Concepts

    private var detectors: ReportSection {
        let controls = spectrum.parts.filter(\.isControl)
        let rows = spectrum.concepts.indices.filter { c in subjects.contains { $0.best[c] != nil } }.map {
            c -> [String] in
            [spectrum.concepts[c].concept.name.replacing(" ", with: "\u{a0}"), "\(spectrum.concepts[c].vectors)"]
                + subjects.map { Self.number($0.best[c]?.correlation) }
                + [Self.number(controls.compactMap { $0.best[c]?.correlation }.max())]
        }
        return ReportSection(
            title: "Concepts and the unit that goes with each best",
            lead:
                "Pearson’s correlation of the best unit’s response with the concept’s score; the unit is chosen on one half of the contexts and measured on the other. Concepts that either half lacks are left out. Beside them the best of all controls.",
            parts: (specificity.map { [$0] } ?? []) + [
                .table(columns: ["concept", "tokens"] + subjects.map(\.name) + ["best control"], rows: rows)
            ])
    }

    /// How sure the best latents are of their concepts, the stronger they respond.
    private var specificity: ReportSection.Part? {
        guard let part = spectrum.part("latents") else { return nil }
        let shown = part.best.indices.filter { (part.best[$0]?.specificity.count ?? 0) > 1 }
            .sorted { part.best[$0]!.correlation > part.best[$1]!.correlation }.prefix(8)
        let series = shown.map { concept in
            let best = part.best[concept]!
            let largest = best.specificity.map(\.to).max() ?? 1
            return Chart.Series(
                name: "\(spectrum.concepts[concept].concept.name), latent \(best.unit)",
                points: best.specificity.map { (x: ($0.from + $0.to) / 2 / largest, y: $0.inside) })
        }
        guard !series.isEmpty else { return nil }
        return Chart.lines(
            "Share of the tokens inside the concept, by how strongly the latent responds",
            caption: "The eight concepts that a latent goes with best; strength as a share of the largest.",
            x: .init("response"), y: .init("inside the concept"), series)
    }

    // MARK: Probing

    private var probing: ReportSection {
        let series = subjects.filter { !$0.probes.isEmpty }.map { part in
            Chart.Series(
                name: part.name,
                points: SparseProbe.sizes.map { k in
                    let accuracies = part.probes.compactMap { probe in
                        probe.probe.trials.first { $0.k == k }?.quality.accuracy
                    }
                    return (Double(k), accuracies.reduce(0, +) / Double(max(1, accuracies.count)))
                })
        }
        let rows = spectrum.concepts.indices.compactMap { c -> [String]? in
            let probes = subjects.map { part in part.probes.first { $0.probe.concept == c } }
            guard probes.contains(where: { $0 != nil }) else { return nil }
            return [spectrum.concepts[c].concept.name]
                + probes.flatMap { probe in
                    [1, 5].map { k in
                        Self.number(probe?.probe.trials.first { $0.k == k }?.quality.accuracy)
                    } + [Self.number(probe?.monosemanticity?.value)]
                }
        }
        return ReportSection(
            title: "Sparse probes",
            lead: """
                Logistic regression on the k units of the largest mean difference, as many tokens inside the concept as \
                outside, tested on other contexts: accuracy, of which ½ is chance. FMS, the feature monosemanticity score, \
                asks for one unit that suffices, that is missed when it is gone, and to which others add nothing.
                """,
            parts: [
                Chart.lines(
                    "Mean accuracy over the concepts", x: .init("k, units that the probe sees", log: true),
                    y: .init("accuracy"), series),
                .table(
                    columns: ["concept"] + subjects.flatMap { ["\($0.name), k = 1", "k = 5", "FMS"] }, rows: rows),
            ])
    }

    // MARK: Localisation

    private var localisation: ReportSection {
        let rows = localisations.flatMap { found in
            found.units.map { unit in
                [
                    "\(found.name) \(unit.unit)", Self.number(unit.active), Self.number(unit.onActive),
                    Self.number(unit.concept), Self.number(unit.onConcept), Self.number(unit.divergence),
                ]
            }
        }
        let means = localisations.map { found in
            "\(found.name) \(Self.number(found.onActive.value)) (\(Self.number(found.onActive.low)) to \(Self.number(found.onActive.high))) of the change, by chance \(Self.number(found.active.value))"
        }
        return ReportSection(
            title: "Where the model notices that a unit is gone",
            lead: """
                One unit at a time is taken away at every token, and the KL divergence of the model’s predictions summed by \
                token. Active are the tokens of a unit’s largest responses, at most 5% of all; what falls on them of the change is \
                to be compared with their share of the tokens. On average: \(means.joined(separator: "; ")).
                """,
            parts: [
                .table(
                    columns: [
                        "unit", "active tokens", "of the change", "tokens in its concept", "of the change ",
                        "mean KL in nats",
                    ], rows: rows)
            ])
    }

    // MARK: Units

    private var units: ReportUnits {
        ReportUnits(
            metrics: Self.unitMetrics.map { ReportUnits.Metric(label: $0.label, definition: $0.definition) },
            concepts: spectrum.concepts.map {
                ReportUnits.Metric(label: $0.concept.name, definition: $0.concept.definition)
            },
            kinds: subjects.map { part in ReportUnits.Kind(name: part.name, units: part.units.map(unit)) })
    }

    private static var unitMetrics: [(label: String, definition: String, value: (UnitMetrics) -> Estimate?)] {
        [
            (
                "density", "Share of the tokens that it responds to.",
                { Estimate(value: $0.density, low: .nan, high: .nan) }
            )
        ]
            + SpectrumMetric.allCases.map { metric in (metric.label, metric.definition, { metric.estimate(of: $0) }) }
    }

    private func unit(_ unit: UnitMetrics) -> ReportUnits.Unit {
        let shares =
            unit.profile?.shares.prefix(UnitMetrics.exampleConcepts).map { ($0.concept, Optional($0.share)) } ?? []
        // Without a significant concept, the one that it goes with best, which may be chance.
        let shown = shares.isEmpty ? unit.detection.map { [($0.concept, nil)] } ?? [] : shares
        func rounded(_ value: Double) -> Double { (value * 1e4).rounded() / 1e4 }
        let estimates = Self.unitMetrics.map { $0.value(unit) }
        return ReportUnits.Unit(
            number: unit.unit, values: estimates.map { $0.map { rounded($0.value) } },
            errors: estimates.map { estimate in
                estimate.flatMap { $0.high.isFinite ? rounded(($0.high - $0.low) / 2) : nil }
            },
            concepts: shown.map { concept, share in
                ReportUnits.Share(
                    concept: concept, share: share.map(rounded),
                    examples: unit.examples.filter { $0.concept == concept }.map { example in
                        let text = excerpt(example)
                        return ReportUnits.Example(
                            value: rounded(Double(example.value)), before: text.before, token: text.token,
                            after: text.after)
                    })
            })
    }

    // MARK: Ledger

    private static func section(_ ledger: ErrorLedger) -> ReportSection {
        func percent(_ estimate: Estimate) -> [String] {
            // Adding zero takes the sign away from a zero.
            [estimate.value, estimate.low, estimate.high].map {
                String(format: "%.1f%%", (1000 * $0).rounded() / 10 + 0)
            }
        }
        var rows = ledger.parts.map { [$0.name] + percent($0.share) }
        rows.append(["all of it: FVU"] + percent(ledger.fvu))
        let matter = ledger.darkMatter
        var parts: [ReportSection.Part] = [
            .table(columns: ["part", "of the variance", "low", "high"], rows: rows),
            .table(
                columns: ["dark matter", "share", "low", "high"],
                rows: [
                    ["R² of the error, predicted linearly from the activation"] + percent(matter.errorFromInput),
                    ["R² of the error’s squared norm, likewise"] + percent(matter.normFromInput),
                    ["FVU with that prediction added: what no linear map mends"] + percent(matter.nonlinearFVU),
                ]),
        ]
        if let absent = ledger.absent, !absent.isEmpty {
            parts.append(
                .table(
                    columns: ["absent feature", "share of the variance", "nearest latent’s |cos|"],
                    rows: absent.prefix(40).map {
                        ["\($0.feature)", String(format: "%.2f%%", 100 * $0.share), number(Double($0.nearest))]
                    }))
        }
        return ReportSection(
            title: "Where the dictionary’s error comes from",
            lead: """
                Each part is what the error loses by one more mend, in this order, on vectors that no mend was fitted on: \
                features without a latent (where the truth is known), rescaling every latent, codes of orthogonal matching \
                pursuit with the same decoder and L0, an affine prediction of what is left from the activation.
                """, parts: parts)
    }

    // MARK: Audit

    private var auditSection: ReportSection {
        let table = Self.auditRows(audit)
        return ReportSection(
            title: "Do the metrics measure what they say?",
            lead: """
                The same metrics where the truth is planted: features on axes, the same features rotated, and more features \
                than neurons. Dimensionality, which measures superposition, must not change by a rotation; the others, which \
                measure polysemanticity, must.
                """, parts: [.table(columns: table.columns, rows: table.rows)])
    }

    public static func auditRows(_ audit: Audit) -> (columns: [String], rows: [[String]]) {
        let columns = ["code", "features", "neurons", "dimensionality"] + Audit.metrics.map(\.label)
        var rows = (audit.path + [audit.dictionary]).map { stage in
            [stage.name, "\(stage.features)", "\(stage.neurons)", number(stage.dimensionality)]
                + Audit.metrics.map { number(stage.medians[$0.rawValue]) }
        }
        rows.append(
            ["moves the right way", "", "", ""] + Audit.metrics.map { audit.moves($0) ? "✓ yes" : "✗ no" })
        return (columns, rows)
    }

    static func number(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "" }
        return abs(value) >= 100 ? "\(Int(value.rounded()))" : String(format: "%.3g", value)
    }
}
