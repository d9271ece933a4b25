/// Whole numbers ≥ 0 as a short string that needs no escaping in JSON or HTML; `codec.js` reads it back.
///
/// A report holds millions of small numbers (token ids by frequency, positions, quantised activations), which as JSON
/// numbers take twice the room. Digits are 90 printable ASCII characters, the first tells the length:
/// 0 … 59 one character, … 2,219 two, … 42,719 three, … 5·10¹¹ seven.
package enum PackedIntegers {
    /// Printable ASCII without the space and " & < \
    package static let alphabet: [UInt8] = (0x21...0x7E).filter { !"\"&<\\".utf8.contains($0) }
    /// Activations are stored by their logarithm, so that weak ones are as precise as strong ones: step s of this many, the
    /// most that three characters hold, is 10^(6 (s / steps − 1)) of the latent's maximum, to 0.02%.
    static let steps = 42719

    package static func string(_ numbers: some Sequence<Int>) -> String {
        var bytes: [UInt8] = []
        func append(_ lead: Int, _ rest: Int, digits: Int) {
            bytes.append(alphabet[lead])
            var divisor = (1..<digits).reduce(1) { product, _ in product * 90 }
            for _ in 0..<digits {
                bytes.append(alphabet[rest / divisor % 90])
                divisor /= 90
            }
        }
        for number in numbers {
            precondition(number >= 0 && number < 500_000_000_000, "\(number) cannot be packed")
            switch number {
            case ..<60: bytes.append(alphabet[number])
            case ..<2220: append(60 + (number - 60) / 90, (number - 60) % 90, digits: 1)
            case ..<42720: append(84 + (number - 2220) / 8100, (number - 2220) % 8100, digits: 2)
            default: append(89, number, digits: 6)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
