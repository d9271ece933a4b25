import Foundation
import PrismFormats

/// Pieces by any regular expression: each match is a piece, and so is each stretch between matches.
///
/// For patterns that have no scanner of their own (`GPT2Splitter` is several times faster).
package struct RegexSplitter: PieceSplitter {
    private let expression: NSRegularExpression

    /// - pattern: in Oniguruma's syntax, which tokenizer.json has.
    /// - Throws: `PrismError.badData` if it is not a regular expression.
    package init(_ pattern: String, file: FileBytes) throws {
        do {
            expression = try NSRegularExpression(pattern: Self.translated(pattern))
        } catch {
            throw file.problem("the pre-tokenizer's pattern ‘\(pattern)’ is not supported", remedy: "use a model with another tokenizer")
        }
    }

    /// Oniguruma's `\s` is Unicode's White_Space; ICU's lacks U+000B and U+0085.
    private static func translated(_ pattern: String) -> String {
        var result = ""
        var isEscaped = false
        for scalar in pattern.unicodeScalars {
            if isEscaped {
                switch scalar {
                case "s": result += #"\p{White_Space}"#
                case "S": result += #"\P{White_Space}"#
                default: result += "\\\(scalar)"
                }
                isEscaped = false
            } else if scalar == "\\" {
                isEscaped = true
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return isEscaped ? result + "\\" : result
    }

    package func split(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ piece: (Range<Int>) -> Void) {
        let string = String(decoding: UnsafeBufferPointer(rebasing: text[range]), as: UTF8.self)
        // The expression counts in UTF-16; `position` and `counted` stand for the same place.
        var position = range.lowerBound
        var counted = 0
        func byte(at offset: Int) -> Int {
            while counted < offset {
                let first = text[position]
                let length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
                position += length
                counted += length == 4 ? 2 : 1
            }
            return position
        }
        var done = range.lowerBound
        // Foundation's block is declared as escaping, though the call ends before it returns.
        withoutActuallyEscaping(piece) { piece in
            expression.enumerateMatches(in: string, range: NSRange(location: 0, length: string.utf16.count)) { match, _, _ in
                guard let match, match.range.length > 0 else { return }
                let start = byte(at: match.range.location)
                if start > done { piece(done..<start) }
                done = byte(at: match.range.location + match.range.length)
                piece(start..<done)
            }
        }
        if done < range.upperBound { piece(done..<range.upperBound) }
    }
}
