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
            func json(_ id: String) throws -> [String: Any] {
                let start = own.range(of: "id=\"\(id)\">")!.upperBound
                let end = own.range(of: "</script>", range: start..<own.endIndex)!.lowerBound
                return try JSONSerialization.jsonObject(with: Data(own[start..<end].utf8)) as! [String: Any]
            }
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
