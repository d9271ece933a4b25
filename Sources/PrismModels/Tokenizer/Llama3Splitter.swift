/// Llama 3's pieces, which are GPT-4's, and with digits one by one Qwen 2's: a contraction in any case, a run of letters
/// with one other sign or space before it, some digits, other signs with a space before and line ends after them, or white
/// space, which ends after a line end or leaves its last character to what follows (`pattern`).
///
/// Scanned by hand: several times faster than a regular expression.
package struct Llama3Splitter: PieceSplitter {
    /// How many digits (general category N) a piece has at most.
    let digits: Int

    /// - digits: 3 as Llama 3 has, or 1.
    package init(digits: Int) { self.digits = digits }

    package var pattern: String {
        let numbers = digits == 1 ? #"\p{N}"# : #"\p{N}{1,\#(digits)}"#
        return
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\#(numbers)| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    package func split(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ piece: (Range<Int>) -> Void) {
        let classes = ScalarClass.Reader(text)
        var start = range.lowerBound
        while start < range.upperBound {
            let stop = self.end(of: start, text, classes, range.upperBound)
            piece(start..<stop)
            start = stop
        }
    }

    /// Where the piece ends that begins at `start`. The pattern's alternatives, in its order.
    @inline(__always) private func end(
        of start: Int, _ text: UnsafeBufferPointer<UInt8>, _ classes: ScalarClass.Reader, _ end: Int
    ) -> Int {
        let contraction = Self.contraction(text, start, end)
        if contraction > 0 { return start + contraction }
        func isLineEnd(_ position: Int) -> Bool { text[position] == 0x0a || text[position] == 0x0d }

        let (kind, length) = classes.at(start)
        var next = start + length
        if kind == .letter { return classes.endOfRun(of: .letter, from: next, end: end) }
        if kind == .number {
            var count = 1
            while count < digits, next < end, case (.number, let length) = classes.at(next) {
                next += length
                count += 1
            }
            return next
        }
        if next < end, !isLineEnd(start), classes.at(next).0 == .letter {
            return classes.endOfRun(of: .letter, from: next, end: end)
        }
        let isSpaced = text[start] == 0x20 && next < end && classes.at(next).0 == .other
        if kind == .other || isSpaced {
            var stop = classes.endOfRun(of: .other, from: next, end: end)
            while stop < end, isLineEnd(stop) { stop += 1 }
            return stop
        }
        let stop = classes.endOfRun(of: .space, from: next, end: end)
        if let line = (start..<stop).last(where: isLineEnd) { return line + 1 }
        if stop == end { return stop }
        var last = stop - 1
        while text[last] & 0xc0 == 0x80 { last -= 1 }
        return last == start ? stop : last
    }

    /// The length of a contraction; 0 if there is none.
    @inline(__always) private static func contraction(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int)
        -> Int
    {
        guard text[start] == UInt8(ascii: "'"), start + 1 < end else { return 0 }
        func letter(_ i: Int) -> UInt8? { start + i < end ? text[start + i] | 0x20 : nil }
        switch letter(1)! {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"): return letter(2) == UInt8(ascii: "e") ? 3 : 0
        case UInt8(ascii: "l"): return letter(2) == UInt8(ascii: "l") ? 3 : 0
        // ſ is an s in another case.
        case 0xe5 where text[start + 1] == 0xc5 && start + 2 < end && text[start + 2] == 0xbf: return 3
        default: return 0
        }
    }
}
