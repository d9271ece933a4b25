import PrismFormats

/// What each token id stands for, in bytes.
struct Vocabulary: Sendable {
    /// All tokens' bytes, one after the other; token i has `ends[i - 1] ..< ends[i]`.
    private var bytes: [UInt8] = []
    private var ends: [Int] = []

    var count: Int { ends.count }

    mutating func append(_ token: some Sequence<UInt8>) {
        bytes += token
        ends.append(bytes.count)
    }

    /// Empty for ids outside the vocabulary.
    func bytes(of id: Int32) -> ArraySlice<UInt8> {
        guard id >= 0, id < ends.count else { return [] }
        return bytes[(id == 0 ? 0 : ends[Int(id) - 1])..<ends[Int(id)]]
    }
}

/// A string that equals another only if their bytes do. `String`'s own equality sees through Unicode normalisation, but
/// é as one scalar and as two are different tokens.
struct ExactString: Hashable {
    let string: String

    static func == (a: ExactString, b: ExactString) -> Bool { a.string.utf8.elementsEqual(b.string.utf8) }

    func hash(into hasher: inout Hasher) {
        var string = string
        string.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

/// Byte-level vocabularies write each byte as a visible character: printable Latin-1 bytes as themselves, the other 68
/// as U+0100 and up, in order (Radford et al. 2019, GPT-2). A space is Ġ, a newline Ċ.
enum ByteLevelAlphabet {
    /// Byte → scalar.
    static let scalars: [Unicode.Scalar] = {
        var next: UInt32 = 0x100
        return (0..<256).map { (byte: UInt32) in
            if (0x21...0x7e).contains(byte) || (0xa1...0xac).contains(byte) || byte >= 0xae {
                return Unicode.Scalar(byte)!
            }
            defer { next += 1 }
            return Unicode.Scalar(next)!
        }
    }()

    private static let bytes: [UInt8?] = {
        var bytes = [UInt8?](repeating: nil, count: 0x100 + 68)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = UInt8(byte) }
        return bytes
    }()

    /// Bytes by their scalars, the smallest first: the order of ids in byte-level vocabularies.
    static let bytesInOrder = (0...255).sorted { scalars[$0].value < scalars[$1].value }.map(UInt8.init)

    static func text(of bytes: [UInt8]) -> String {
        String(String.UnicodeScalarView(bytes.map { scalars[Int($0)] }))
    }

    /// The bytes a token stands for; nil if a character is not of the alphabet.
    static func bytes(of token: String) -> [UInt8]? {
        var result: [UInt8] = []
        for scalar in token.unicodeScalars {
            guard scalar.value < bytes.count, let byte = bytes[Int(scalar.value)] else { return nil }
            result.append(byte)
        }
        return result
    }
}
