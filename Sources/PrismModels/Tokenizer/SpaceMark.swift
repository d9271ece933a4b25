/// SentencePiece's vocabularies write a space as ▁ (U+2581), and a byte that no other token covers as `<0xE2>` (Kudo and
/// Richardson 2018).
enum SpaceMark {
    static let string = "▁"
    static let bytes = Array(string.utf8)

    /// What a token stands for: ▁ is a space.
    static func text(of token: String) -> [UInt8] { Array(token.utf8).withAll(bytes, replacedBy: [0x20]) }

    /// The byte that a token of the form `<0xE2>` stands for; nil for others.
    static func byte(of token: String) -> UInt8? {
        guard token.utf8.count == 6, token.hasPrefix("<0x"), token.hasSuffix(">") else { return nil }
        let digits = token.dropFirst(3).dropLast()
        // `tokenizers` and sentencepiece write capitals, and know nothing else.
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x46).contains($0) }) else { return nil }
        return UInt8(digits, radix: 16)
    }
}

/// Cuts text before marks of spaces.
struct WordSplitter: PieceSplitter {
    /// Whether each mark begins a piece, or only the first of several.
    let atEachMark: Bool

    /// A splitter that changes no id, if there is one: where no token goes from a word's end into the next, words can be
    /// encoded, and remembered, one by one.
    /// - tokens: all that encoding can give.
    static func withoutEffect(on tokens: some Sequence<[UInt8]>) -> WordSplitter? {
        var hasMark = false
        for token in tokens {
            if token == SpaceMark.bytes { hasMark = true }
            var wasMark = true
            var position = 0
            while position < token.count {
                let isMark = token[position...].starts(with: SpaceMark.bytes)
                if isMark && !wasMark { return nil }
                wasMark = isMark
                position += isMark ? SpaceMark.bytes.count : 1
            }
        }
        // Unknown marks would be part of runs of unknown characters, which are one token.
        return hasMark ? WordSplitter(atEachMark: false) : nil
    }

    func split(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ piece: (Range<Int>) -> Void) {
        var start = range.lowerBound
        var position = start
        var wasMark = true
        while position < range.upperBound {
            let isMark =
                position + 3 <= range.upperBound && text[position] == SpaceMark.bytes[0]
                && text[position + 1] == SpaceMark.bytes[1] && text[position + 2] == SpaceMark.bytes[2]
            if isMark, position > start, atEachMark || !wasMark {
                piece(start..<position)
                start = position
            }
            wasMark = isMark
            position += isMark ? 3 : 1
        }
        if start < position { piece(start..<position) }
    }
}
