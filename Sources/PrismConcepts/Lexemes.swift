extension CodeLanguages {
    /// Words and runs of signs, without the space between them.
    struct Lexeme: Equatable {
        /// Bytes of the text.
        let range: Range<Int>
        /// What it says, each by several names, of which the first that `all` lists counts.
        let keys: [[String]]
    }

    /// A word is itself; with a sign before it, it is `\begin`, or as any such word `\w`. `^` stands for the start of a line
    /// and `⏎` for its end. Two words of small letters with a space between them are `ww`. A context's start counts
    /// for that of a line.
    static func lexemes(of bytes: [UInt8]) -> [Lexeme] {
        var lexemes: [Lexeme] = []
        var position = 0
        // The signs before a word on its line, the last of them, and whether a line begins.
        var sign: UInt8?
        var isLineStart = true
        var wordsEnd: Int?
        while position < bytes.count {
            let start = position
            let byte = bytes[start]
            var keys: [[String]] = []
            if isWord(byte) {
                while position < bytes.count, isWord(bytes[position]) { position += 1 }
                let word = String(decoding: bytes[start..<position], as: UTF8.self)
                if let sign {
                    let before = String(UnicodeScalar(sign))
                    // The fonts of roff stand before words without a space: \fBword.
                    let font = sign == UInt8(ascii: "\\") ? [before + word.prefix(2)] : []
                    let names = [before + word] + font + [before + "w"]
                    keys.append((isLineStart ? names.map { "^" + $0 } : []) + names)
                    if !"$@\\#<.".utf8.contains(sign) { keys.append([word]) }
                } else {
                    keys.append([word])
                }
                let isSmall = bytes[start..<position].allSatisfy { $0 >= 0x80 || (0x61...0x7a).contains($0) }
                if isSmall, sign == nil, wordsEnd == start - 1, bytes[start - 1] == 0x20 { keys.append(["ww"]) }
                wordsEnd = isSmall && sign == nil ? position : nil
                (sign, isLineStart) = (nil, false)
            } else if isSign(byte) {
                while position < bytes.count, isSign(bytes[position]) { position += 1 }
                let run = String(decoding: bytes[start..<position], as: UTF8.self)
                let isLineEnd = position < bytes.count && bytes[position] == 0x0a
                let isPrefix = position < bytes.count && isWord(bytes[position]) && isPrefixSign(bytes[position - 1])
                // Between two words these belong to neither.
                let isBetween =
                    position - start == 1 && start > 0 && isWord(bytes[start - 1])
                    && "('-/*&%:|=<\"".utf8.contains(byte)
                if isLineStart { keys.append(["^" + run.prefix(3)]) }
                if isLineEnd {
                    keys.append([run + "⏎", String(run.suffix(1)) + "⏎"])
                } else if !isPrefix || isBetween || position - start > 1 {
                    keys.append([run])
                }
                sign = isPrefix && !isBetween ? bytes[position - 1] : nil
                isLineStart = isLineStart && isPrefix && position - start == 1
            } else {
                if byte == 0x0a { isLineStart = true }
                position += 1
                continue
            }
            lexemes.append(Lexeme(range: start..<position, keys: keys))
        }
        return lexemes
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x5f, 0x80...: true
        default: false
        }
    }

    private static func isSign(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7f && !isWord(byte) }

    /// Signs that mean something with the word after them.
    private static func isPrefixSign(_ byte: UInt8) -> Bool { "$@%&\\#<.-:'(|/*{\"=".utf8.contains(byte) }
}
