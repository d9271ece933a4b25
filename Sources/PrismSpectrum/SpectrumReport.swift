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
    private let geometry: LatentGeometry?
    private let audit: Audit
    private let excerpt: (UnitExample) -> TextExcerpt

    /// - ledger, geometry: of the dictionary, if there is one. excerpt: the text of an example.
    public init(
        title: String, subtitle: String, _ spectrum: Spectrum, ledger: ErrorLedger?,
        geometry: LatentGeometry? = nil, audit: Audit, excerpt: @escaping (UnitExample) -> TextExcerpt
    ) {
        self.title = title
        self.subtitle = subtitle
        self.spectrum = spectrum
        self.ledger = ledger
        self.geometry = geometry
        self.audit = audit
        self.excerpt = excerpt
    }

    /// What is stored.
    public struct Record: Encodable {
        public let spectrum: Spectrum
        /// Nil without a dictionary.
        public let ledger: ErrorLedger?
        public let geometry: LatentGeometry?
        public let audit: Audit
    }

    public var record: Record { Record(spectrum: spectrum, ledger: ledger, geometry: geometry, audit: audit) }

    /// - Throws: `PrismError` if a file cannot be written.
    public func write(to folder: URL) throws {
        try Files.createFolder(folder)
        try Files.writeAtomically(JSONEncoder.prism.encode(record), to: folder.appending(path: "spectrum.json"))
        try Report.write(
            .init(title: title, subtitle: subtitle, sections: sections), to: folder.appending(path: "report.html"))
    }

    private var sections: [ReportSection] {
        [positions, detectors] + subjects.map(units) + (ledger.map { [Self.section($0)] } ?? [])
            + (geometry?.sections(name: latentName) ?? []) + [auditSection]
    }

    /// A latent's number with the token of its first example, if it has any.
    private func latentName(_ latent: Int) -> String {
        let example = spectrum.part("latents")?.units[latent].examples.first.map { excerpt($0).token }
        return example.map { "\(latent) «\($0)»" } ?? "\(latent)"
    }

    private var subjects: [Spectrum.Part] { spectrum.parts.filter { !$0.isControl } }

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
        let parts = spectrum.parts.filter { !$0.isControl || $0.best.contains { $0 != nil } }
        let rows = spectrum.concepts.indices.filter { spectrum.concepts[$0].vectors > 0 }.map { c -> [String] in
            [spectrum.concepts[c].concept.name, "\(spectrum.concepts[c].vectors)"]
                + parts.map { Self.number($0.best[c]?.correlation) }
        }
        return ReportSection(
            title: "Concepts and the unit that goes with each best",
            lead:
                "Pearson’s correlation of the best unit’s response with the concept’s score; the unit is chosen on one half of the contexts and measured on the other.",
            parts: [.table(columns: ["concept", "tokens"] + parts.map(\.name), rows: rows)])
    }

    // MARK: Units

    private func units(_ part: Spectrum.Part) -> ReportSection {
        let shown = part.units.filter { $0.profile?.shares.isEmpty == false }
            .sorted { ($0.profile!.explained, $1.unit) > ($1.profile!.explained, $0.unit) }.prefix(60)
        let rows = shown.map { unit -> [String] in
            let profile = unit.profile!
            let shares = profile.shares.prefix(4).map { share in
                "\(spectrum.concepts[share.concept].concept.name) \(Int((100 * share.share).rounded()))%"
            }
            let example = unit.examples.first.map(excerpt)
            return [
                "\(unit.unit)", Self.number(unit.density), Self.number(unit.coherence?.value),
                Self.number(profile.selectivity), Self.number(profile.effectiveConcepts),
                Self.number(profile.explained),
                shares.joined(separator: ", "), example.map { "\($0.before)«\($0.token)»\($0.after)" } ?? "",
            ]
        }
        return ReportSection(
            title: part.name, lead: "The units whose response the concepts explain best.",
            parts: [
                .table(
                    columns: [
                        "unit", "density", "coherence", "selectivity", "effective concepts", "explained",
                        "concepts and their shares", "example",
                    ], rows: rows)
            ])
    }

    // MARK: Ledger

    private static func section(_ ledger: ErrorLedger) -> ReportSection {
        func percent(_ estimate: Estimate) -> [String] {
            [estimate.value, estimate.low, estimate.high].map { String(format: "%.1f%%", 100 * $0) }
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
