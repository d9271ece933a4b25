import PrismCore

/// What can be seen of a token and the characters beside it: white space, punctuation, symbols, its part of a word and its
/// place in the context.
struct TokenShapes: UntaughtDetector {
    /// A token of a context that holds text.
    struct View {
        let text: ContextText
        let token: Int
        /// Its place among the context's tokens that hold text, from 0.
        let place: Int
        /// Of which it holds some bytes.
        let characters: Range<Int>

        /// nil outside the context, or cut by its edge.
        func scalar(_ index: Int) -> Unicode.Scalar? {
            text.characters.indices.contains(index) ? text.characters[index].scalar : nil
        }

        func contains(_ test: (Unicode.Scalar) -> Bool) -> Bool {
            characters.contains { scalar($0).map(test) ?? false }
        }

        func consists(of test: (Unicode.Scalar) -> Bool) -> Bool {
            characters.allSatisfy { scalar($0).map(test) ?? false }
        }

        /// The token before ends within the same character, or this one does.
        var isPartOfCharacter: Bool {
            let range = text.tokens[token]
            return text.characters[characters.lowerBound].range.lowerBound < range.lowerBound
                || text.characters[characters.upperBound - 1].range.upperBound > range.upperBound
                || characters.contains { text.characters[$0].scalar == nil }
        }

        /// Whether a word goes on from before the token, and on after it.
        var continues: Bool { isLetter(characters.lowerBound) && (isLetter(characters.lowerBound - 1) || startsInside) }
        var isContinued: Bool { isLetter(characters.upperBound - 1) && (isLetter(characters.upperBound) || endsInside) }
        /// Whether a word begins in it, with its space or without.
        var startsWord: Bool {
            !continues && characters.contains { isLetter($0) && !isLetter($0 - 1) }
        }

        var letterCount: Int { characters.count { isLetter($0) } }

        private var startsInside: Bool {
            text.characters[characters.lowerBound].range.lowerBound < text.tokens[token].lowerBound
        }
        private var endsInside: Bool {
            text.characters[characters.upperBound - 1].range.upperBound > text.tokens[token].upperBound
        }
        private func isLetter(_ index: Int) -> Bool { scalar(index)?.isLetter ?? false }
    }

    /// Family, kind, definition, test.
    private static let table: [(String, String, String, @Sendable (View) -> Bool)] = [
        ("space", "newline", "Holds the end of a line.", { $0.contains { $0 == "\n" } }),
        (
            "space", "empty line", "Holds the end of a line with nothing on it.",
            { view in
                view.contains { $0 == "\n" }
                    && view.characters.contains { view.scalar($0) == "\n" && view.scalar($0 - 1) == "\n" }
            }
        ),
        (
            "space", "indentation", "Space alone, that ends with space at the start of a line.",
            { view in
                guard view.consists(of: { " \t\r\n".unicodeScalars.contains($0) }) else { return false }
                let last = view.characters.upperBound - 1
                var before = last
                while view.scalar(before) == " " || view.scalar(before) == "\t" { before -= 1 }
                return before < last && view.scalar(before) == "\n"
            }
        ),
        (
            "space", "run of spaces", "Two or more spaces, or a tab, and nothing else.",
            { view in
                view.consists { $0 == " " || $0 == "\t" }
                    && (view.characters.count > 1 || view.scalar(view.characters.lowerBound) == "\t")
            }
        ),
        (
            "punctuation", "comma", "Holds a comma, of any script.",
            { $0.contains { ",،、，".unicodeScalars.contains($0) } }
        ),
        (
            "punctuation", "colon", "Holds a colon or semicolon.",
            { $0.contains { ":;؛：；".unicodeScalars.contains($0) } }
        ),
        (
            "punctuation", "full stop", "Holds a full stop, of any script.",
            { $0.contains { ".。।۔．…".unicodeScalars.contains($0) } }
        ),
        (
            "punctuation", "question or exclamation", "Holds a question or exclamation mark.",
            { $0.contains { "?!؟？！¿¡".unicodeScalars.contains($0) } }
        ),
        (
            "punctuation", "quotation mark", "Holds a quotation mark, straight, curly or angled, or an apostrophe.",
            { $0.contains { "\"'“”„«»‘’‹›「」『』`".unicodeScalars.contains($0) } }
        ),
        (
            "punctuation", "opening bracket", "Holds an opening bracket.",
            { $0.contains { "([{（【".unicodeScalars.contains($0) } }
        ),
        (
            "punctuation", "closing bracket", "Holds a closing bracket.",
            { $0.contains { ")]}）】".unicodeScalars.contains($0) } }
        ),
        (
            "punctuation", "hyphen or dash", "Holds a hyphen or a dash.",
            { $0.contains { $0 == "-" || (0x2010...0x2015).contains($0.value) } }
        ),
        (
            "punctuation", "operator", "Holds one of = + < > * / % & | ^ ~ _ # @ $ \\.",
            { $0.contains { "=+<>*/%&|^~_#@$\\".unicodeScalars.contains($0) } }
        ),
        (
            "symbol", "emoji", "Holds an emoji or pictograph, or a part of one.",
            { $0.contains { (0x1f000...0x1faff).contains($0.value) || (0x2600...0x27bf).contains($0.value) } }
        ),
        (
            "symbol", "mathematics", "Holds an arrow or a sign of mathematics beyond ASCII, or a part of one.",
            {
                $0.contains {
                    (0x2190...0x22ff).contains($0.value) || (0x27c0...0x2aff).contains($0.value)
                        || "±×÷¬".unicodeScalars.contains($0)
                }
            }
        ),
        (
            "symbol", "accented letter", "Holds a Latin letter with a mark on it, or a part of one.",
            { $0.contains { Scripts.script(of: $0) == 0 && (0xc0...0x1eff).contains($0.value) } }
        ),
        ("position", "first token", "The first token of the context's text.", { $0.place == 0 }),
        ("position", "first 4 tokens", "Among the first 4 tokens of the context's text.", { $0.place < 4 }),
        ("position", "first 16 tokens", "Among the first 16 tokens of the context's text.", { $0.place < 16 }),
        (
            "part of word", "whole word", "Holds a whole word of two or more letters, with or without its space.",
            { $0.startsWord && !$0.isContinued && $0.letterCount > 1 }
        ),
        ("part of word", "start", "The first of a word's several tokens.", { $0.startsWord && $0.isContinued }),
        ("part of word", "middle", "Between a word's first and last token.", { $0.continues && $0.isContinued }),
        ("part of word", "end", "The last of a word's several tokens.", { $0.continues && !$0.isContinued }),
        (
            "part of word", "part of a character", "Holds some but not all bytes of a character.",
            { $0.isPartOfCharacter }
        ),
    ]

    let concepts = table.map { Concept($0.0, $0.1, $0.2) }

    func score(_ text: ContextText, _ scores: Scores) {
        var place = 0
        for token in text.tokens.indices where !text.tokens[token].isEmpty {
            let view = View(text: text, token: token, place: place, characters: text.characters(ofToken: token))
            for (column, row) in Self.table.enumerated() where row.3(view) { scores[token, column] = 1 }
            place += 1
        }
    }
}

extension Unicode.Scalar {
    /// A letter or a mark on one, of any script.
    fileprivate var isLetter: Bool {
        if isASCII { return (0x41...0x5a).contains(value & 0xdf) }
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark:
            return true
        default: return false
        }
    }
}
