/// The four kinds of characters that GPT-2's splitting tells apart; they cover all of Unicode.
///
/// Characters newer than the reference's Unicode version may be classified differently there, where they are
/// unassigned.
package enum ScalarClass: UInt8 {
    case other
    /// General category L
    case letter
    /// General category N
    case number
    /// White_Space, which is `\s`
    case space

    package init(_ scalar: Unicode.Scalar) {
        if scalar.properties.isWhitespace {
            self = .space
            return
        }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: self = .letter
        case .decimalNumber, .letterNumber, .otherNumber: self = .number
        default: self = .other
        }
    }

    /// Of the Basic Multilingual Plane, since looking properties up is slow. Surrogates, which text has none of, are
    /// `other`.
    private static let table: [ScalarClass] = (0..<0x10000 as Range<UInt32>).map {
        Unicode.Scalar($0).map(ScalarClass.init) ?? .other
    }

    /// Classifies characters of valid UTF-8.
    struct Reader {
        let text: UnsafeBufferPointer<UInt8>
        private let table = ScalarClass.table

        init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

        /// The class of the character that begins at `position`, and its length in bytes.
        @inline(__always) func at(_ position: Int) -> (ScalarClass, length: Int) {
            let first = UInt32(text[position])
            if first < 0x80 { return (table[Int(first)], 1) }
            func more(_ i: Int) -> UInt32 { UInt32(text[position &+ i] & 0x3f) }
            if first < 0xe0 { return (table[Int((first & 0x1f) << 6 | more(1))], 2) }
            if first < 0xf0 { return (table[Int((first & 0xf) << 12 | more(1) << 6 | more(2))], 3) }
            let value = (first & 7) << 18 | more(1) << 12 | more(2) << 6 | more(3)
            return (Unicode.Scalar(value).map(ScalarClass.init) ?? .other, 4)
        }

        /// The end of the run of characters of one class from `position`.
        @inline(__always) func endOfRun(of kind: ScalarClass, from position: Int, end: Int) -> Int {
            var position = position
            while position < end {
                let (next, length) = at(position)
                if next != kind { break }
                position += length
            }
            return position
        }

        /// The start of the run of characters of one class that ends at `end`, not before `start`.
        func startOfRun(of kind: ScalarClass, before end: Int, from start: Int) -> Int {
            var position = end
            while position > start {
                var previous = position - 1
                while previous > start, text[previous] & 0xc0 == 0x80 { previous -= 1 }
                if at(previous).0 != kind { break }
                position = previous
            }
            return position
        }
    }
}
