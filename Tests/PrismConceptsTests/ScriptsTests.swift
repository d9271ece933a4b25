import Foundation
import PrismTestSupport
import Testing

@testable import PrismConcepts

@Suite struct ScriptsTests {
    @Test func marksLettersWithTheirParts() throws {
        let labelled = try Labelled("the word שלום, слово and 言葉 or ことば, λόγος 1")
        for (script, marked) in [
            ("Hebrew", ["שלום"]), ("Cyrillic", ["слово"]), ("Han", ["言葉"]), ("Hiragana", ["ことば"]), ("Greek", ["λόγος"]),
            ("Arabic", []), ("Latin", ["the word", "and", "or"]),
        ] {
            #expect(labelled.marked("script: \(script)").map { $0.trimmingPrefix(" ") } == marked.map { $0[...] })
        }
    }

    /// The naive twin: all stretches that end at a token, characters by themselves, counts by hand.
    @Test func scoreIsTheLargestRatioOfAllStretches() throws {
        let texts = ["да, the night слово и ночь. Yes, ночь 12 we", Labelled.prose, "ночь the да"]
        let labelled = try Labelled(texts[0], with: Array(texts[1...]))
        let isCyrillic = { (scalar: Unicode.Scalar) in (0x400...0x4ff).contains(scalar.value) }
        let tokenizer = try Labelled.tokenizer.get()
        /// Whether each token holds Cyrillic, and whether only Cyrillic with what goes along.
        func scripts(_ text: String) -> [(id: Int32, own: Bool, around: Bool)] {
            var last = isCyrillic(text.unicodeScalars.first!)
            var ofByte: [(own: Bool, around: Bool)] = []
            for scalar in text.unicodeScalars {
                if scalar.properties.isAlphabetic { last = isCyrillic(scalar) }
                ofByte += Array(repeating: (isCyrillic(scalar), last), count: String(scalar).utf8.count)
            }
            var start = 0
            return tokenizer.encode(text).map { id in
                let bytes = ofByte[start..<start + tokenizer.bytes(of: id).count]
                start += bytes.count
                return (id, bytes.contains(where: \.own), bytes.contains(where: \.around))
            }
        }
        let all = texts.flatMap(scripts)
        let share = (Double(all.count(where: \.around)) + 0.5) / Double(all.count + 1)
        let own = scripts(texts[0])
        let ratios = own.map { token in
            let same = all.filter { $0.id == token.id }
            return log((Double(same.count(where: \.around)) + share) / Double(same.count + 1) / share)
        }
        for t in own.indices {
            var best = 0.0
            var sum = 0.0
            for start in (0...t).reversed() {
                guard own[start].around else { break }
                sum += ratios[start]
                best = max(best, sum)
            }
            let expected = own[t].own ? max(0.1, min(20, best)) : 0
            #expect(abs(Double(labelled.score(t + 1, "script: Cyrillic")) - expected) < 1e-4, "token \(t)")
        }
    }

    @Test func aScriptThatIsAllTheTextIsNotEmpty() throws {
        let labelled = try Labelled("one two", with: ["one more"])
        #expect(labelled.score(1, "script: Latin") == 0.1 && labelled.marked("script: Latin") == ["one two"])
    }

    /// Three quarters of a character at the edge are none.
    @Test func whatTheEdgeCutsIsNoCharacter() throws {
        let tokenizer = try Labelled.tokenizer.get()
        let ids = tokenizer.encode("ꙁ")
        #expect(ids.count > 1)
        try Labelled.withLabeller(["слово"]) { labeller, _ in
            for part in [Array(ids.dropLast()), Array(ids.dropFirst())] {
                let labelled = try Labelled(labeller, [Labelled.context(part, document: 0, tokenizer)], 0)
                #expect(labelled.marked("script: Cyrillic") == [])
            }
            let whole = try Labelled(labeller, [Labelled.context(ids, document: 0, tokenizer)], 0)
            #expect(whole.marked("script: Cyrillic") == ["ꙁ"])
        }
    }
}
