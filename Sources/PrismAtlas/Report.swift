import Foundation
import PrismCore

/// The report of a run: one HTML file that opens offline, from anywhere, with everything in it.
public enum Report {
    /// How much of each latent goes into the file; it decides the file's size.
    public struct Options: Hashable, Sendable {
        /// Strongest examples per latent.
        public var topExamples = 10
        /// Sampled examples per latent and interval.
        public var intervalExamples = 2
        /// Tokens shown before and after the one an example is about.
        public var before = 20
        public var after = 11

        public init() {}
    }

    /// Writes the report. Equal input gives equal bytes.
    ///
    /// Charts need `Resources/vega.js`, which `make setup` makes; without it the page says so in their place.
    /// - run: its figures, curves and sections are shown as they are here, not as they were when the atlas was built.
    /// - Throws: `PrismError` if the atlas cannot be read or the file not written.
    public static func write(atlas: Atlas, run: RunSummary, options: Options = Options(), to url: URL) throws {
        try Files.writeAtomically(Data(page(atlas: atlas, run: run, options: options).utf8), to: url)
    }

    static func page(atlas: Atlas, run: RunSummary, options: Options) throws -> String {
        let latents = try atlas.latents()
        let data = try ReportData(atlas: atlas, latents: latents, options: options)
        let head = ReportHead(
            title: run.title, date: run.date, subtitle: subtitle(run), facts: facts(run, sources: try atlas.sources()),
            sections: try ReportSections.all(atlas: atlas, run: run, latents: latents),
            tokenTotal: try atlas.tokenCount())

        var scripts = [try embedded(head, id: "head"), try embedded(data.index, id: "index")]
        for (number, block) in data.latentBlocks.enumerated() {
            scripts.append(try embedded(block, id: "latents-\(number)"))
        }
        for (number, block) in data.segmentBlocks.enumerated() {
            scripts.append(try embedded(block, id: "segments-\(number)"))
        }

        return try page(
            title: run.title, navigation: navigation, data: scripts,
            scripts: ["page", "codec", "format", "tips", "tokens", "charts", "overview", "table", "latent", "report"])
    }

    /// A page of sections, and of units if there are any; no latents of an atlas.
    public struct Summary {
        public var title, subtitle: String
        public var sections: [ReportSection]
        /// What has a page each; nil for sections alone.
        public var units: ReportUnits?

        public init(title: String, subtitle: String, sections: [ReportSection], units: ReportUnits? = nil) {
            (self.title, self.subtitle, self.sections, self.units) = (title, subtitle, sections, units)
        }
    }

    /// Writes a page of sections. - Throws: `PrismError` if the file cannot be written.
    public static func write(_ summary: Summary, to url: URL) throws {
        let head = ReportHead(
            title: summary.title, date: nil, subtitle: summary.subtitle, facts: [], sections: summary.sections,
            tokenTotal: 0)
        let units = try summary.units.map { [try embedded($0, id: "units")] } ?? []
        let page = try page(
            title: summary.title, navigation: "", data: [try embedded(head, id: "head")] + units,
            scripts: ["page", "format", "tips", "charts", "overview", units.isEmpty ? "comparison" : "units"])
        try Files.writeAtomically(Data(page.utf8), to: url)
    }

    private static let navigation = """
        <nav aria-label="Report">
          <a href="#/">Overview</a>
          <a href="#/latents">Latents</a>
          <form id="jump" role="search">
            <input id="jump-number" inputmode="numeric" autocomplete="off" placeholder="Latent №" \
        aria-label="Go to latent number">
          </form>
        </nav>
        """

    /// - scripts: in the order in which the page needs them.
    private static func page(title: String, navigation: String, data: [String], scripts: [String]) throws -> String {
        filled(
            try resource("report.html")!,
            [
                "title": title.replacing("&", with: "&amp;").replacing("<", with: "&lt;"),
                "navigation": navigation,
                "style": try resource("report.css")!,
                "vega": (try resource("vega.js", isOptional: true) ?? "").replacing("</script", with: "<\\/script"),
                "data": data.joined(separator: "\n"),
                "script": try scripts.map { try resource($0 + ".js")! }.joined(separator: "\n"),
            ])
    }

    private static func subtitle(_ run: RunSummary) -> String {
        let k = run.dictionary.k.map { ", k = \($0)" } ?? ""
        return
            "\(run.dictionary.architecture) dictionary of \(grouped(run.dictionary.latents)) latents\(k), at \(run.hook) of \(run.model)"
    }

    private static func facts(_ run: RunSummary, sources: [AtlasSource]) -> [ReportHead.Fact] {
        var facts = [
            ReportHead.Fact(label: "Model", value: run.model),
            .init(label: "Hook point", value: run.hook),
            .init(
                label: "Dictionary",
                value:
                    "\(run.dictionary.architecture), \(grouped(run.dictionary.width)) → \(grouped(run.dictionary.latents))"
                    + (run.dictionary.k.map { ", k = \($0)" } ?? "")),
        ]
        if !run.dictionary.notes.isEmpty {
            facts.append(.init(label: "Training", value: run.dictionary.notes.joined(separator: "; ")))
        }
        facts.append(
            .init(
                label: "Tokens",
                value: "\(grouped(run.data.trainingTokens)) for training, \(grouped(run.data.heldOutTokens)) held out"))
        facts.append(.init(label: "Held-out split", value: run.data.split))
        facts.append(sourcesFact(run.data.sources, read: sources))
        return facts
    }

    /// Up to eight sources by name; of more the largest three, the rest to be opened.
    private static func sourcesFact(_ names: [String], read: [AtlasSource]) -> ReportHead.Fact {
        guard names.count > 8 else { return .init(label: "Sources", value: names.joined(separator: ", ")) }
        let tokens = Dictionary(uniqueKeysWithValues: read.map { ($0.name, $0.tokens) })
        let ordered = names.enumerated().sorted {
            (-(tokens[$0.element] ?? 0), $0.offset) < (-(tokens[$1.element] ?? 0), $1.offset)
        }.map(\.element)
        return .init(
            label: "\(grouped(names.count)) sources", value: ordered.prefix(3).joined(separator: ", "),
            more: .init(label: "and \(grouped(names.count - 3)) more", items: Array(ordered.dropFirst(3))))
    }

    /// 4608 → "4,608"
    static func grouped(_ number: Int) -> String {
        var digits = String(number)
        var index = digits.count - 3
        while index > 0, number >= 1000 {
            digits.insert(",", at: digits.index(digits.startIndex, offsetBy: index))
            index -= 3
        }
        return digits
    }

    /// JSON in a script element that the browser does not run. `<` could end the element, and U+2028 and U+2029 are line
    /// ends to older parsers: all three are written as escapes, which JSON allows in its strings, the only place they occur.
    static func embedded(_ value: some Encodable, id: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = String(decoding: try encoder.encode(value), as: UTF8.self)
            .replacing("<", with: "\\u003c").replacing("\u{2028}", with: "\\u2028").replacing(
                "\u{2029}", with: "\\u2029")
        return "<script type=\"application/json\" id=\"\(id)\">\(json)</script>"
    }

    /// Puts values in the places `{{name}}` of a template; what a value holds is not looked at again.
    private static func filled(_ template: String, _ values: [String: String]) -> String {
        var result = ""
        var rest = Substring(template)
        while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
            let name = String(rest[open.upperBound..<close.lowerBound])
            guard let value = values[name] else { preconditionFailure("the template has no value for \(name)") }
            result += rest[..<open.lowerBound]
            result += value
            rest = rest[close.upperBound...]
        }
        return result + rest
    }

    private static func resource(_ name: String, isOptional: Bool = false) throws -> String? {
        // A bundle is flat where the package manager makes it, and nested in Contents/Resources where Xcode does.
        for folder in [Bundle.module.bundleURL, Bundle.module.resourceURL].compactMap(\.self) {
            let url = folder.appending(path: "Resources/\(name)")
            if let text = try? String(contentsOf: url, encoding: .utf8) { return text }
        }
        if isOptional { return nil }
        throw PrismError.runFailed("the program lacks its resource \(name): build it again")
    }
}

/// What the page shows above the latents.
struct ReportHead: Encodable {
    struct Fact: Encodable {
        let label: String
        let value: String
        /// Behind a disclosure.
        var more: More?

        struct More: Encodable {
            let label: String
            let items: [String]
        }
    }

    let title: String
    let date: String?
    let subtitle: String
    let facts: [Fact]
    let sections: [ReportSection]
    let tokenTotal: Int
}
