import Foundation
import PrismAtlas
import PrismLab

extension LatentGeometry {
    private static let shownRows = 40
    private static let shownFamilies = 9

    /// What a report shows: the geometry of the dictionary, and beside another one if there is one.
    /// - name: a latent as it shall be shown, for example its number with a token.
    public func sections(name: (Int) -> String) -> [ReportSection] {
        let own = ReportSection(
            title: "Geometry of the dictionary",
            lead: """
                How the latents lie to each other and to the neurons: by the cosine of decoder rows, by firing on the same \
                tokens, and by the correlation of activations with each neuron’s value.
                """,
            parts: [figures, mapChart(name), familyTable(name), pairTable(name), companionTable(name), neuronChart])
        return [own] + (comparison.map { [$0.section(name: name)] } ?? [])
    }

    // MARK: Figures

    /// The largest |r| of each measured latent to a neuron.
    private var neuronCorrelations: [Double] { latents.compactMap { $0.bestNeuron.map { abs($0.correlation) } } }

    /// Share of the measured latents with no neuron beyond |r| = .3; nil if there are none.
    public var shareWithoutNeuron: Double? {
        let all = neuronCorrelations
        return all.isEmpty ? nil : Double(all.count { $0 <= 0.3 }) / Double(all.count)
    }

    private var figures: ReportSection.Part {
        let inFamilies = families.families.reduce(0) { $0 + $1.members.count }
        let live = latents.count { $0.density > 0 }
        let rule = families.rule
        let joined = """
            Groups, by average linkage, of latents whose cosine is at least \(SpectrumReport.number(rule.cosine)), or that \
            meet on \(rule.joint) tokens or more and whose firing correlates by \(SpectrumReport.number(rule.firing)), or \
            has a lift of \(SpectrumReport.number(rule.lift)) with a cosine of \(SpectrumReport.number(rule.chance)), \
            which chance does not reach.
            """
        var items: [ReportSection.Figure] = [
            .init(
                "Nearest cosine", latents.compactMap { $0.nearest.first?.cosine }.median,
                "Median over the latents of the largest cosine of their decoder row to another’s."),
            .init(
                "Dimensionality", latents.map(\.dimensionality).median,
                "Median over the latents of ‖dᵢ‖² / Σⱼ (d̂ᵢ·dⱼ)², the dimensions that a decoder row has to itself: 1 without superposition."
            ),
            .init(
                "Families", Double(families.families.count), joined),
            .init(
                "In families", Double(inFamilies) / Double(max(1, live)),
                "Share of the latents that fired that belong to a family of two or more.", .percent),
            .init(
                "Best neuron", neuronCorrelations.median,
                "Median over the latents of the largest absolute correlation of their activation with a neuron’s value."
            ),
            .init(
                "Without a neuron", shareWithoutNeuron ?? .nan,
                "Share of the latents whose best neuron correlates by at most .3; Templeton et al. 2024 found 82% in Claude 3 Sonnet.",
                .percent),
        ]
        if let preservation = map.preservation, let chance = map.chance {
            items.append(
                .init(
                    "Map keeps neighbours", preservation,
                    "Share of the \(LatentMap.neighbours) nearest on the map that are among the \(LatentMap.neighbours) nearest by cosine; chance gives \(String(format: "%.2g", 100 * chance))%.",
                    .percent))
        }
        return .figures(heading: nil, items: items.filter { $0.metric.value.isFinite })
    }

    private var neuronChart: ReportSection.Part {
        Chart.histogram(
            "Best neuron of each latent", caption: "To the left, latents that no neuron stands for.",
            x: "largest |correlation| with a neuron", width: 0.025, range: 0...1, values: neuronCorrelations,
            unit: "latents")
    }

    // MARK: The map

    private func mapChart(_ name: (Int) -> String) -> ReportSection.Part {
        let shown = families.families.prefix(Self.shownFamilies)
        var family: [Int: Int] = [:]
        for (number, one) in shown.enumerated() { for member in one.members { family[member] = number } }
        var groups = [("other latents", [(x: Double, y: Double)]())] + shown.map { ("family of \($0.centre)", []) }
        var labels = groups.map { _ in [String]() }
        for (place, latent) in map.latents.enumerated() {
            let group = family[latent].map { $0 + 1 } ?? 0
            groups[group].1.append((Double(map.x[place]), Double(map.y[place])))
            labels[group].append(name(latent))
        }
        return Chart.scatter(
            "Map of the latents",
            caption: "Near each other where decoder rows are alike; directions and scale mean nothing.",
            x: .init(""), y: .init(""), height: 420, groups, labels: labels)
    }

    // MARK: Tables

    private func familyTable(_ name: (Int) -> String) -> ReportSection.Part {
        .table(
            columns: ["family around", "members", "mean cosine", "mean correlation of firing", "members besides"],
            rows: families.families.prefix(Self.shownRows).map { family in
                let others = family.members.filter { $0 != family.centre }
                let rest = others.count > 8 ? " …" : ""
                return [
                    name(family.centre), "\(family.members.count)", SpectrumReport.number(family.cosine),
                    SpectrumReport.number(family.firing),
                    others.prefix(8).map(name).joined(separator: ", ") + rest,
                ]
            })
    }

    private func pairTable(_ name: (Int) -> String) -> ReportSection.Part {
        pairTable("most alike", \.nearest, name) { $0.cosine }
    }

    private func companionTable(_ name: (Int) -> String) -> ReportSection.Part {
        pairTable("fire together most", \.companions, name) { $0.coactivation?.correlation ?? 0 }
    }

    /// The pairs that are first by something, each once.
    private func pairTable(
        _ title: String, _ related: KeyPath<Latent, [RelatedLatent]>, _ name: (Int) -> String,
        by value: (RelatedLatent) -> Double
    ) -> ReportSection.Part {
        // The lower latent names the pair, unless it is too far down in the other's list to be in its own.
        var pairs: [(low: Int, high: Int, link: RelatedLatent)] = []
        for latent in latents {
            for link in latent[keyPath: related] {
                pairs.append((min(latent.latent, link.latent), max(latent.latent, link.latent), link))
            }
        }
        pairs.sort { (value($0.link), $1.low, $1.high) > (value($1.link), $0.low, $0.high) }
        var rows: [[String]] = []
        var last = (-1, -1)
        for pair in pairs where (pair.low, pair.high) != last {
            last = (pair.low, pair.high)
            let together = pair.link.coactivation
            rows.append([
                "\(name(pair.low)) and \(name(pair.high))", SpectrumReport.number(pair.link.cosine),
                together.map { "\($0.joint)" } ?? "", SpectrumReport.number(together?.lift),
                SpectrumReport.number(together?.correlation),
            ])
            if rows.count == Self.shownRows { break }
        }
        return .table(
            columns: ["latents that are \(title)", "cosine", "together", "lift", "correlation of firing"], rows: rows)
    }
}

extension DictionaryComparison {
    /// - name: of a latent of the dictionary that was compared.
    func section(name: (Int) -> String) -> ReportSection {
        var parts = [
            figures("By activation", byActivation, "correlation of activations"),
            figures("By chance", byChance, "correlation with activations on other tokens"),
            Chart.histogram(
                "Best partner of each latent", caption: "Over the latents that fire often enough to tell.",
                x: "correlation with the best partner", width: 0.025, range: 0...1,
                values: byActivation.partners.compactMap { $0?.similarity }, unit: "latents"),
        ]
        if let byDirection { parts.insert(figures("By direction", byDirection, "cosine of decoder rows"), at: 2) }
        parts.append(matchTable(name))
        if let splitting { parts += splitting.parts { splitting.ownIsNarrow ? name($0) : "\($0)" } }
        return ReportSection(
            title: "Beside \(self.name)",
            lead: """
                \(latents) latents beside the \(otherLatents) of \(self.name), on the same tokens. In Bricken et al. 2023 the \
                features of two models correlate with their best partner by .72 in the median, neurons by .46.
                """, parts: parts)
    }

    private func figures(_ heading: String, _ matching: LatentMatching, _ what: String) -> ReportSection.Part {
        let close = SpectrumReport.number(LatentMatching.close)
        return .figures(
            heading: heading,
            items: [
                .init(
                    "Median", matching.median ?? .nan,
                    "Median over the latents of the largest \(what) to one of the other’s."),
                .init(
                    "Close", matching.closeShare ?? .nan, "Share of the latents for which it is at least \(close).",
                    .percent),
                .init(
                    "One to one", matching.mutualShare ?? .nan,
                    "Share of the latents whose best partner has them for its own.", .percent),
            ].filter { $0.metric.value.isFinite })
    }

    private func matchTable(_ name: (Int) -> String) -> ReportSection.Part {
        let found = byActivation.partners.enumerated().compactMap { latent, partner in partner.map { (latent, $0) } }
            .sorted { ($0.1.similarity, $1.0) > ($1.1.similarity, $0.0) }
        // From the best to the worst, evenly, so that the table shows what a correlation of each size looks like.
        let step = max(1, found.count / 24)
        return .table(
            columns: ["latent", "best partner", "correlation", "its best by cosine", "cosine"],
            rows: stride(from: 0, to: found.count, by: step).map { place in
                let (latent, partner) = found[place]
                let direction = byDirection?.partners[latent]
                return [
                    name(latent), "\(partner.latent)", SpectrumReport.number(partner.similarity),
                    direction.map { "\($0.latent)" } ?? "", SpectrumReport.number(direction?.similarity),
                ]
            })
    }
}

extension LatentSplitting {
    fileprivate func parts(name: (Int) -> String) -> [ReportSection.Part] {
        let threshold = SpectrumReport.number(Double(Self.sharedDirection))
        let meaning: [Kind: String] = [
            .same: "same: one child", .split: "split: several children", .lost: "lost: no child",
        ]
        var kinds = Kind.allCases.map { kind -> [String] in
            let (count, covered) = count(kind)
            return [
                meaning[kind]!, "\(count)", Self.percent(Double(count) / Double(max(1, parents.count))),
                kind == .lost ? "" : covered.map(Self.percent) ?? "",
            ]
        }
        kinds.append([
            "new: wide latents without a parent", "\(new.count)",
            Self.percent(Double(new.count) / Double(max(1, wideCount))), "",
        ])
        let splits = parents.filter { $0.kind == .split }.sorted {
            ($0.children.count, $0.covered, $1.latent) > ($1.children.count, $1.covered, $0.latent)
        }
        return [
            .text(
                body:
                    "From the narrow dictionary to the wide one: a child shares its parent’s direction, cosine at least \(threshold) (Leask et al. 2025); it covers of its parent’s activation what lies on tokens where it is active."
            ),
            .table(columns: ["narrow latents", "count", "share", "covered (median)"], rows: kinds),
            .table(
                columns: ["split latent", "density", "children (cosine, density)", "covered"],
                rows: splits.prefix(40).map { parent in
                    let children = parent.children.prefix(8).map {
                        "\($0.latent) (\(SpectrumReport.number($0.cosine)), \(SpectrumReport.number($0.density)))"
                    }
                    return [
                        name(parent.latent), SpectrumReport.number(parent.density),
                        children.joined(separator: ", ") + (parent.children.count > 8 ? " …" : ""),
                        Self.percent(parent.covered),
                    ]
                }),
        ]
    }

    private static func percent(_ share: Double) -> String { String(format: "%.1f%%", 100 * share) }
}

extension ReportSection.Figure {
    fileprivate init(
        _ label: String, _ value: Double, _ definition: String, _ format: ReportSection.NumberFormat = .number
    ) {
        self.init(label: label, metric: .init(value: value, definition: definition), format: format)
    }
}
