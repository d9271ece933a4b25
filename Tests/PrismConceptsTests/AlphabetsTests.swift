import Foundation
import PrismCore
import PrismTestSupport
import Testing

@testable import PrismConcepts

@Suite struct AlphabetsTests {
    static let alphabets = [
        ("base64", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
        ("hexadecimal", "0123456789abcdef"), ("DNA", "ACGT"), ("digits", "0123456789"),
    ]

    private func random(_ alphabet: String, _ length: Int, _ generator: inout SeededGenerator) -> String {
        String((0..<length).map { _ in alphabet.randomElement(using: &generator)! })
    }

    /// Most tokens of a random string are seen, in no other alphabet (but for rows of digits that chance makes), and none of
    /// the words around it.
    @Test(arguments: alphabets.indices) func seesRandomStrings(_ index: Int) throws {
        let (name, characters) = Self.alphabets[index]
        var generator = SeededGenerator(seed: 3, stream: name)
        var (seen, total) = (0, 0)
        for _ in 0..<10 {
            let string = random(characters, 64, &generator)
            let labelled = try Labelled("the key of the morning is \(string) and of the night")
            let marked = labelled.marked("alphabet: \(name)")
            #expect(marked.count <= 1 && marked.allSatisfy(string.hasSuffix), "\(string): \(marked)")
            seen += marked.first?.count ?? 0
            total += 64
            for other in ["base64", "hexadecimal", "DNA"] where other != name {
                #expect(labelled.marked("alphabet: \(other)") == [])
            }
        }
        #expect(Double(seen) > 0.6 * Double(total), "\(seen) of \(total) characters")
    }

    /// Ordinary words of these letters, and a row of digits too short.
    @Test func passesOverWords() throws {
        let texts = [
            Labelled.prose, "cat add deadbeef facade attack tact gattaca tagatattac cafe decade 1234 0xff",
            "getElementById utf8ToUtf16Converter internationalization /usr/lib/x86_64/libstdc++.so.6 2024-02-29",
            "def add(cat): return ABC_DEF[decade] + face.bed # GATE ACT TAG",
        ]
        for text in texts {
            #expect(try Labelled(text).kinds("alphabet").allSatisfy(\.isEmpty), "\(text)")
        }
    }

    /// The naive twin: all stretches that end at a token, up to the ceiling.
    @Test func scoreIsTheLargestRatioOfAllStretches() throws {
        let text = "the string 7f93a0c1 and 90ab4d51e6."
        let tokenizer = try Labelled.tokenizer.get()
        // Digits and letters are so common here that some of them are no more than likely.
        let others = [Labelled.prose, String(repeating: "0a1b2c3d4e5f6a7b8c9d", count: 300)]
        let all = ([text] + others).flatMap { tokenizer.encode($0) }
        let total = Double(all.count) + 0.5 * Double(tokenizer.vocabularyCount)
        let own = tokenizer.encode(text)
        let ratios = own.map { id -> Double in
            let token = String(decoding: tokenizer.bytes(of: id), as: UTF8.self)
            guard token.allSatisfy({ $0.isHexDigit }) else { return -.infinity }
            return -Double(token.count) * log(16) - log((Double(all.count { $0 == id }) + 0.5) / total)
        }
        let labelled = try Labelled(text, with: others)
        var seen = 0
        for t in own.indices {
            let score = Double(labelled.score(t + 1, "alphabet: hexadecimal"))
            let best = (0...t).map { ratios[$0...t].reduce(0, +) }.max()!
            guard score > 0 else { continue }
            seen += best < 20 ? 1 : 0
            #expect(abs(score - min(20, best)) < 1e-3, "token \(t): \(score), \(best)")
        }
        #expect(seen > 1)
    }
}
