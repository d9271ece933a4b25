import Foundation
import PrismAtlas
import PrismCore
import PrismTestSupport
import Testing

@Suite struct ReportTests {
    /// The page without the chart library, whose text is not ours.
    static func ownPart(_ page: String) -> String {
        let library = page.range(of: "<script>")!.lowerBound..<page.range(of: "<script>(() =>")!.lowerBound
        return page.replacingCharacters(in: library, with: "")
    }

    @Test func holdsTheData() throws {
        try withTemporaryFolder { folder in
            let atlas = try AtlasTests.build(folder, AtlasTests.data)
            let url = folder.appending(path: "report.html")
            var run = AtlasTests.run
            run.title = "A <run> & more"
            run.sections = [ReportSection(title: "Added", parts: [.text(body: "</script>\u{2028}")])]
            try Report.write(atlas: atlas, run: run, to: url)
            let page = try String(contentsOf: url, encoding: .utf8)
            let own = Self.ownPart(page)
            #expect(own.contains("<title>A &lt;run> &amp; more</title>"))
            #expect(!own.contains("\u{2028}"))

            // Each data element parses, and says what the atlas says.
            func json(_ id: String) throws -> [String: Any] { try Self.json(id, in: own) as! [String: Any] }
            let head = try json("head")
            #expect(head["title"] as? String == run.title)
            let titles = (head["sections"] as! [[String: Any]]).map { $0["title"] as! String }
            #expect(titles == ["Results", "Training", "Dictionary and data", "Added"])
            let index = try json("index")
            #expect((index["maxima"] as! [Any]).count == 61)
            #expect(index["sources"] as! [String] == ["even", "odd"])
            #expect(Set(index["vocabulary"] as! [String]).isSuperset(of: [" Tok0", " Tok17"]))
        }
    }

    /// The JSON of one of a page's data elements.
    static func json(_ id: String, in page: String) throws -> Any {
        let start = page.range(of: "id=\"\(id)\">")!.upperBound
        let end = page.range(of: "</script>", range: start..<page.endIndex)!.lowerBound
        return try JSONSerialization.jsonObject(with: Data(page[start..<end].utf8))
    }

    /// Tokens 0, 1 and 2 are the bytes of ప; 3 is its first two with a space before; 4 is no UTF-8 at all.
    static let cutVocabulary: [Data] =
        ["\u{E0}", "\u{B0}", "\u{AA}", " \u{E0}\u{B0}", "\u{FF}"].map {
            Data($0.unicodeScalars.map { UInt8($0.value) })
        }
        + [Data("క".utf8), Data(#"\xE0"#.utf8)]

    @Test func namesCharactersWhereTokensAreBytes() throws {
        try withTemporaryFolder { folder in
            let builder = try AtlasBuilder(folder.appending(path: "atlas.sqlite"), latentCount: 6, seed: 0)
            try builder.add(document: 0, source: "telugu")
            // క ప _ప, a byte of no character, and ప cut off at the end.
            let tokens: [Int32] = [5, 0, 1, 2, 3, 2, 4, 6, 0, 1]
            let fired = [(0, 1), (0, 3), (1, 4), (2, 6), (3, 8), (4, 0), (5, 7)]
            for (latent, position) in fired {
                // A context of its own for each: a latent's top examples are at most one per context.
                try builder.add(
                    tokens: tokens, document: 0, positions: [position],
                    codes: SyntheticActivations.codes([[(latent, 1)]]))
            }
            let directions = LatentDirections(
                decoder: LatentDirectionsTests.random(6, 8), encoderBiases: nil, unembedding: nil, finalNormWeight: nil)
            let atlas = try builder.finish(run: AtlasTests.run, directions: directions, vocabulary: Self.cutVocabulary)
            #expect(try atlas.texts(of: [0, 3, 5]) == [0: #"\xE0"#, 3: #" \xE0\xB0"#, 5: "క"])

            let url = folder.appending(path: "report.html")
            try Report.write(atlas: atlas, run: AtlasTests.run, to: url)
            let index = try Self.json("index", in: String(contentsOf: url, encoding: .utf8)) as! [String: Any]
            let vocabulary = index["vocabulary"] as! [Any]
            let characters = index["characters"] as! [String]
            let ids = PackedIntegersTests.unpacked(index["tokenIDs"] as! String)
            for (number, id) in ids.enumerated() {
                // A token that is text is text, even if it reads like a byte; one that is not comes as its bytes.
                switch vocabulary[number] {
                case let text as String: #expect(Data(text.utf8) == Self.cutVocabulary[id])
                case let bytes as [Int]:
                    #expect(Data(bytes.map { UInt8($0) }) == Self.cutVocabulary[id])
                    #expect(String(validating: Self.cutVocabulary[id], as: UTF8.self) == nil)
                default: Issue.record("neither text nor bytes")
                }
            }
            let firesOn = (index["topTokens"] as! [String]).map { packed in
                PackedIntegersTests.unpacked(packed).map { number -> String in
                    if number >= vocabulary.count { return "made: \(characters[number - vocabulary.count])" }
                    return "token \(ids[number])"
                }
            }
            let again = folder.appending(path: "again.html")
            try Report.write(atlas: atlas, run: AtlasTests.run, to: again)
            #expect(try Data(contentsOf: url) == Data(contentsOf: again))
            // Both firings of latent 0 lie in the same character.
            #expect(firesOn == [["made: ప"], ["made:  ప"], ["token 4"], ["token 0"], ["token 5"], ["token 6"]])
        }
    }

    @Test func keepsManySourcesApart() throws {
        try withTemporaryFolder { folder in
            let data = SyntheticActivations(latents: 60, contexts: 90, length: 24, active: 5, documents: 20)
            // Document d is of source d, so there are 20, of 4 or 5 contexts each; the first ten have one context more.
            let atlas = try AtlasTests.build(folder, data) { "source \($0)" }
            var run = AtlasTests.run
            run.data.sources = (0..<20).map { "source \(19 - $0)" }
            run.data.heldOutContexts = 1234
            run.data.leftOut = "first positions"
            run.metrics["delta_ce"] = .init(value: 1)
            run.curves["l0"] = [.init(step: 0, value: 32), .init(step: 10, value: 32)]
            let url = folder.appending(path: "report.html")
            try Report.write(atlas: atlas, run: run, to: url)
            let head = try Self.json("head", in: String(contentsOf: url, encoding: .utf8)) as! [String: Any]

            let fact = (head["facts"] as! [[String: Any]]).last!
            #expect(fact["label"] as? String == "20 sources")
            #expect(fact["value"] as? String == "source 9, source 8, source 7")
            let more = fact["more"] as! [String: Any]
            #expect(more["label"] as? String == "and 17 more" && (more["items"] as! [String]).count == 17)

            let sections = head["sections"] as! [[String: Any]]
            let lead = sections[0]["lead"] as! String
            #expect(lead.hasPrefix("On 5 held-out tokens in 1,234 contexts; first positions are left out."))
            let headings = (sections[0]["parts"] as! [[String: Any]])
                .map { ($0["figures"] as! [String: Any])["heading"] as! String }
            #expect(headings == ["Reconstruction", "Faithfulness"])

            func charts(_ section: [String: Any]) -> [[String: Any]] {
                (section["parts"] as! [[String: Any]]).compactMap { $0["chart"] as? [String: Any] }
            }
            #expect(charts(sections[1]).map { $0["title"] as! String } == ["Loss"])
            let sources = charts(sections[2]).last!["specification"] as! [String: Any]
            let bars = (sources["data"] as! [String: Any])["values"] as! [[String: Any]]
            try #require(bars.count == 16)
            #expect(bars[0]["source"] as? String == "source 0")
            #expect(bars[15]["source"] as? String == "other (5)" && bars[15]["tokens"] as? Int == 5 * 4 * 23)
            #expect(try bars.reduce(0) { $0 + ($1["tokens"] as! Int) } == atlas.tokenCount())
        }
    }

    @Test func refersToNothingOutside() throws {
        try withTemporaryFolder { folder in
            let atlas = try AtlasTests.build(folder, AtlasTests.data)
            let url = folder.appending(path: "report.html")
            try Report.write(atlas: atlas, run: AtlasTests.run, to: url)
            let own = Self.ownPart(try String(contentsOf: url, encoding: .utf8))
            for reference in [
                "http:", "https:", "@import", "url(", " src=", "<link", "fetch(", "XMLHttpRequest", "import(",
            ] {
                #expect(!own.contains(reference), "\(reference)")
            }
            #expect(own.contains("default-src 'none'"))
        }
    }

    @Test func sameInputSameBytes() throws {
        try withTemporaryFolder { folder in
            let atlas = try AtlasTests.build(folder, AtlasTests.data)
            let urls = ["a", "b"].map { folder.appending(path: "\($0).html") }
            for url in urls { try Report.write(atlas: atlas, run: AtlasTests.run, to: url) }
            #expect(try Data(contentsOf: urls[0]) == Data(contentsOf: urls[1]))
        }
    }

    /// Writes a report of a believable size: into the folder that PRISM_DEMO names, to be looked at (with PRISM_DEMO_LATENTS
    /// latents), else a small one into a scratch folder.
    @Test func writesADemonstration() throws {
        let environment = ProcessInfo.processInfo.environment
        let large = environment["PRISM_DEMO"]
        let latents = environment["PRISM_DEMO_LATENTS"].flatMap { Int($0) } ?? 4608
        func demonstrate(_ folder: URL) throws {
            let clock = ContinuousClock()
            let demo = DemoRun(latents: large == nil ? 300 : latents, contexts: large == nil ? 200 : 6000)
            let start = clock.now
            let (atlas, run) = try demo.write(into: folder)
            let built = clock.now
            try Report.write(atlas: atlas, run: run, to: folder.appending(path: "report.html"))
            let size =
                try FileManager.default.attributesOfItem(atPath: folder.appending(path: "report.html").path)[.size]
                as! Int
            print("atlas \(built - start), report \(clock.now - built), \(size / 1000) kB")
        }
        if let large {
            try FileManager.default.createDirectory(atPath: large, withIntermediateDirectories: true)
            try demonstrate(URL(filePath: large))
        } else {
            try withTemporaryFolder(demonstrate)
        }
    }
}
