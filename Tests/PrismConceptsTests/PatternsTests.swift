import PrismTestSupport
import Testing

@testable import PrismConcepts

@Suite struct PatternsTests {
    static let cases: [(concept: String, text: String, marked: [String])] = [
        ("number: number", "it costs 1,234.50 or 7 coins", ["1,234.50", "7"]),
        ("number: year", "in 1984 and 1990-1995, not 3000 or 12.1999", ["1984", "1990-1995"]),
        (
            "number: date", "on 2024-02-29, 29.2.2024 or 29 February 2024, not 1-2 or 5-6.7",
            ["2024-02-29", "29.2.2024", "29 February 2024"]
        ),
        ("number: time", "at 12:30 and 9:15 pm, not in verse 3:16", ["12:30", "9:15 pm"]),
        ("number: Roman", "Chapter XIV and IX of I", ["XIV", "IX"]),
        ("number: in a word", "an x86 or utf8 and the 3rd of 0x1f", ["x86", "utf8"]),
        ("link: URL", "see https://a.org/b?c=1. Now", ["https://a.org/b?c=1"]),
        ("link: e-mail", "mail to jane.doe@mail.example.org today", ["jane.doe@mail.example.org"]),
        ("link: path", "in /usr/share/doc or src/main.c and/or there", ["/usr/share/doc", "src/main.c"]),
        ("inside: double quotes", "she said \"go on\" and “stop it” now", ["go on", "stop it"]),
        ("inside: parentheses", "a (small one) here", ["small one"]),
        ("casing: ALL CAPS", "the NASA and A BBC", ["NASA", "BBC"]),
        ("casing: Capitalised", "the Dog of NASA in Rome", ["Dog", "Rome"]),
        ("casing: camelCase", "call getItem of theThing now", ["getItem", "theThing"]),
        ("casing: snake_case", "call get_item or GET_ITEM now", ["get_item"]),
        ("casing: SNAKE_CASE", "call get_item or GET_ITEM now", ["GET_ITEM"]),
        ("markup: tag", "a <b class=\"x\">bold</b> word if 1 < 2", ["<b class=\"x\">", "</b>"]),
        ("markup: escape", "a &amp; b\\n c", ["&amp;", "\\n"]),
        ("markup: list item", "x\n- one\n2. two - three", ["-", "2."]),
        ("position: first word of a line", "one two\nthree four", ["three"]),
        ("position: first word of a sentence", "It ends. Then it begins, Tom.", ["Then"]),
        ("position: end of a sentence", "It ends. Then it has 1.5 of it", ["."]),
        ("space: newline", "a\nb", ["\n"]),
        ("space: empty line", "a\n\nb\nc", ["\n"]),
        ("space: indentation", "a  b\n    c", ["\n   "]),
        ("space: run of spaces", "a   b c", ["  "]),
        ("punctuation: comma", "a, b; c، d", [",", "،"]),
        ("punctuation: colon", "a: b; c.", [":", ";"]),
        ("punctuation: full stop", "a. b!", ["."]),
        ("punctuation: question or exclamation", "a. b! c?", ["!", "?"]),
        ("punctuation: quotation mark", "a 'b' or «c", ["'", "'", "«"]),
        ("punctuation: opening bracket", "a (b) [", ["(", "["]),
        ("punctuation: closing bracket", "a (b) or ]", [")", "]"]),
        ("punctuation: hyphen or dash", "a-b — c", ["-", "—"]),
        ("punctuation: operator", "a = b_c . d", ["=", "_"]),
        ("symbol: emoji", "a 😀 b", ["😀"]),
        ("symbol: mathematics", "a → b ≤ c", ["→", "≤"]),
        ("symbol: accented letter", "ein Zug → é", ["é"]),
        ("position: first token", "one two three", ["one"]),
        ("position: first 4 tokens", "one two three four five six", ["one two three four"]),
        ("part of word: whole word", "the sea, a 5", ["the sea"]),
    ]

    @Test(arguments: cases.indices) func marksItsTokens(_ index: Int) throws {
        let (concept, text, marked) = Self.cases[index]
        let found = try Labelled(text).marked(concept)
        // Tokens begin with the space before them.
        #expect(
            concept.hasPrefix("space")
                ? found == marked : found.map { $0.trimmingPrefix(" ") } == marked.map { $0[...] },
            "\(concept): \(found)")
    }

    /// A word of several tokens, and characters of several.
    @Test func partsOfWordsAndCharacters() throws {
        let tokenizer = try Labelled.tokenizer.get()
        let word = " pneumonoultramicroscopic"
        let count = tokenizer.encode(word).count
        #expect(count > 3)
        let labelled = try Labelled("a" + word + " b 語ᚠ.")
        let parts = labelled.kinds("part of word")
        #expect(parts[2] == ["start"] && parts[count + 1] == ["end"])
        #expect(parts[3...count].allSatisfy { $0 == ["middle"] })
        var cut = 0
        for (token, bytes) in labelled.tokens.enumerated().dropFirst() {
            let isCut = String(validating: bytes, as: UTF8.self) == nil
            cut += isCut ? 1 : 0
            #expect(parts[token].contains("part of a character") == isCut)
        }
        #expect(cut > 1)
    }

    /// Whatever is cut at a context's edges, places in the text are those of the tokens.
    @Test func matchesAreFoundBesideCutCharacters() throws {
        let tokenizer = try Labelled.tokenizer.get()
        let ids = tokenizer.encode("語ᚠ😀 in 1984 語ᚠ😀")
        for start in 0..<4 {
            try Labelled.withLabeller(["x"]) { labeller, _ in
                let context = Labelled.context(Array(ids[start..<ids.count - start]), document: 0, tokenizer)
                let labelled = try Labelled(labeller, [context], 0)
                #expect(labelled.marked("number: year") == ["1984"])
            }
        }
    }
}
