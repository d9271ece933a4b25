import PrismAtlas
import Testing

@Suite struct PackedIntegersTests {
    /// The reader of `codec.js`, in Swift.
    static func unpacked(_ text: String) -> [Int] {
        var digits = text.utf8.map { PackedIntegers.alphabet.firstIndex(of: $0)! }[...]
        var numbers: [Int] = []
        while let lead = digits.popFirst() {
            let length = lead < 60 ? 0 : lead < 84 ? 1 : lead < 89 ? 2 : 6
            let rest = digits.prefix(length).reduce(0) { $0 * 90 + $1 }
            digits = digits.dropFirst(length)
            switch length {
            case 0: numbers.append(lead)
            case 1: numbers.append(60 + (lead - 60) * 90 + rest)
            case 2: numbers.append(2220 + (lead - 84) * 8100 + rest)
            default: numbers.append(rest)
            }
        }
        return numbers
    }

    @Test func comesBack() {
        let edges = [0, 59, 60, 61, 149, 150, 2219, 2220, 2221, 10319, 10320, 42719, 42720, 1 << 31, 499_999_999_999]
        #expect(Self.unpacked(PackedIntegers.string(edges)) == edges)
        #expect(Self.unpacked(PackedIntegers.string(0..<50_000)) == Array(0..<50_000))
        #expect(PackedIntegers.string([Int]()) == "")
    }

    @Test func hasTheLengthsThatItPromises() {
        let lengths = [0, 59, 60, 2219, 2220, 42719, 42720].map { PackedIntegers.string([$0]).utf8.count }
        #expect(lengths == [1, 1, 2, 2, 3, 3, 7])
    }

    @Test func needsNoEscaping() {
        #expect(PackedIntegers.alphabet.count == 90)
        let text = PackedIntegers.string(0..<50_000)
        #expect(text.allSatisfy { !"\"\\<&".contains($0) && $0.isASCII && !$0.isWhitespace })
    }
}
