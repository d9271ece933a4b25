import Foundation
import PrismCore

/// Regular expressions on a context's text. A token lies inside if it holds some of a match, or of the first group if that
/// takes part in the match.
struct Patterns: UntaughtDetector {
    let concepts: [Concept]
    private let expressions: [NSRegularExpression]

    /// - Throws: `PrismError.usage` for an expression that does not compile.
    init(_ patterns: [(concept: Concept, pattern: String)]) throws {
        concepts = patterns.map(\.concept)
        expressions = try patterns.map { concept, pattern in
            do {
                return try NSRegularExpression(pattern: pattern, options: .anchorsMatchLines)
            } catch {
                throw PrismError.usage(
                    "the pattern of ‘\(concept.name)’, ‘\(pattern)’, is no regular expression; correct it")
            }
        }
    }

    func score(_ text: ContextText, _ scores: Scores) {
        // A character that is cut stands there as U+FFFD, so that places in the text are those of characters.
        var string = String.UnicodeScalarView()
        var byteOfUnit: [Int] = []
        byteOfUnit.reserveCapacity(text.bytes.count + 1)
        for character in text.characters {
            let scalar = character.scalar ?? "\u{fffd}"
            string.append(scalar)
            byteOfUnit.append(character.range.lowerBound)
            // The second half of a pair lies where the character ends, so that a range is never empty.
            if scalar.value > 0xffff { byteOfUnit.append(character.range.upperBound) }
        }
        byteOfUnit.append(text.bytes.count)
        let whole = String(string)
        for (column, expression) in expressions.enumerated() {
            expression.enumerateMatches(in: whole, range: NSRange(location: 0, length: byteOfUnit.count - 1)) {
                match, _, _ in
                guard let match else { return }
                let group = match.range(at: min(1, match.numberOfRanges - 1))
                let range = group.location == NSNotFound ? match.range : group
                let bytes = byteOfUnit[range.lowerBound]..<byteOfUnit[range.upperBound]
                scores.mark(text.tokens(ofBytes: bytes), column)
            }
        }
    }

    // An expression of the table that does not compile is a mistake of ours.
    static let builtIn = try! Patterns(table.map { (Concept($0, $1, $2), $3) })

    /// Family, kind, definition, pattern.
    private static let table: [(String, String, String, String)] = [
        ("number", "number", "Part of a number in digits, with its separators.", #"[0-9]+(?:[.,_'][0-9]+)*"#),
        (
            "number", "year", "Part of a year from 1500 to 2099, or of a range of two.",
            #"(?<![0-9.,/-])\#(aYear)(?:[-–/]\#(aYear))?(?![0-9]|[.,/-][0-9])"#
        ),
        (
            "number", "date", "Part of a date, such as 2024-02-29, 29.2.2024 or 29 February 2024.",
            #"""
            ((?<![0-9])(?:[0-9]{4}([-/.])[0-9]{1,2}\2[0-9]{1,2}\#
            |[0-9]{1,2}([-/.])[0-9]{1,2}\3[0-9]{2}(?:[0-9]{2})?)(?![0-9])\#
            |\b(?:[0-9]{1,2}(?:st|nd|rd|th)? (?:of )?\#(month),? ?[0-9]{4}\#
            |\#(month) [0-9]{1,2}(?:st|nd|rd|th)?(?:, ?[0-9]{4})?|\#(month) [0-9]{4})\b)
            """#
        ),
        (
            "number", "time", "Part of a time of day, such as 12:30.",
            #"""
            (?<![0-9:])(?:(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?(?![0-9:])\#
            |[0-9]:[0-5][0-9](?= ?[ap]\.?m\b))(?: ?[ap]\.?m\b)?
            """#
        ),
        (
            "number", "Roman", "Part of a Roman numeral of two or more letters.",
            #"\b(?=[IVXLCDM]{2})M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})\b"#
        ),
        (
            "number", "in a word", "Part of a word of letters and digits, such as x86.",
            #"(?<!\w)(?=[\w&&[^\d_]]+\d|\d+[\w&&[^\d_]])(?!0[xX]|\d+(?:st|nd|rd|th)\b)\w+"#
        ),
        (
            "link", "URL", "Part of a URL.",
            #"\b(?:[a-z][a-z0-9+]{1,10}://|www\.)[^\s<>"'`{}|\\^]*[^\s<>"'`{}|\\^.,;:!?)\]]"#
        ),
        ("link", "e-mail", "Part of an e-mail address.", #"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+"#),
        (
            "link", "path", "Part of a file's path with two or more parts, not in a URL.",
            #"""
            (?<![\w./:<])(?:~|\.{1,2})?/[\w.+-]+(?:/[\w.+-]+)+/?|(?<![\w./:<])(?:[\w+-]+/){2,}[\w+.-]+\#
            |(?<![\w./:<])(?:[\w+-]+/)+[\w+-]+\.[a-z]{1,4}\b
            """#
        ),
        (
            "inside", "double quotes", "Between double quotation marks, straight or curly, of one line.",
            #"(?<![\w"])"([^"\n]+)"(?![\w"])|(?<=“)[^“”\n]+(?=”)|(?<=„)[^„“”\n]+(?=[“”])|(?<=«)[^«»\n]+(?=»)"#
        ),
        ("inside", "parentheses", "Between parentheses of one line.", #"\(([^()\n]*)\)"#),
        (
            "casing", "ALL CAPS", "Part of a word of two or more capitals.",
            #"(?<![\w])(?:\p{Lu}[\p{Lu}\p{N}]+)(?![\w])"#
        ),
        (
            "casing", "Capitalised", "Part of a word whose first letter alone is a capital.",
            #"(?<![\w])\p{Lu}\p{Ll}+(?![\w])"#
        ),
        (
            "casing", "camelCase", "Part of a word with a capital after a small letter.",
            #"(?<![\w])(?=[\p{L}\p{N}]*\p{Ll}\p{Lu})[\p{L}\p{N}]+(?![\w])"#
        ),
        (
            "casing", "snake_case", "Part of a word of small letters with underscores.",
            #"(?<![\w])_*[\p{Ll}\p{N}]+(?:_+[\p{Ll}\p{N}]+)+_*(?![\w])"#
        ),
        (
            "casing", "SNAKE_CASE", "Part of a word of capitals with underscores.",
            #"(?<![\w])_*\p{Lu}[\p{Lu}\p{N}]*(?:_+[\p{Lu}\p{N}]+)+_*(?![\w])"#
        ),
        ("markup", "tag", "Part of a tag of HTML or XML.", #"</?[A-Za-z][\w:.-]*(?:\s[^<>]*)?/?>"#),
        (
            "markup", "escape", "Part of an entity such as &amp; or an escape such as \\n.",
            #"""
            &(?:[A-Za-z]{2,8}|#[0-9]{2,6}|#x[0-9A-Fa-f]{2,5});|\\(?:[nrt0"'\\]|x[0-9A-Fa-f]{2}\#
            |u[0-9A-Fa-f]{4})(?![A-Za-z])
            """#
        ),
        (
            "markup", "list item", "The sign or number before an item of a list.",
            #"^[ \t]*((?:[-*•+]|[0-9]{1,3}[.)]|[a-z][.)]|\([0-9a-z]{1,2}\)))(?= \S)"#
        ),
        ("position", "first word of a line", "Part of a line's first word.", #"(?<=\n)[ \t]*(\w+)"#),
        (
            "position", "first word of a sentence", "Part of a sentence's first word.",
            #"(?<=[\p{Ll}\p{N})"”'’][.!?]["”)]? {1,2}|[。！？])["“(]?(\p{Lu}\w*|\p{Lo})"#
        ),
        (
            "position", "end of a sentence", "The full stop, question or exclamation mark that ends a sentence.",
            #"(?<=[\p{L}\p{N})"”'’])([.!?])(?=["”)]?(?:\s+["“(]?\p{Lu}|\n\s*\n))|[。！？।]"#
        ),
    ]
    private static let aYear = "(?:1[5-9]|20)[0-9]{2}"
    private static let month = #"""
        (?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?\#
        |Sep(?:t(?:ember)?)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?
        """#
}
