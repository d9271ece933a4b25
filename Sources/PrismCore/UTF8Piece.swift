/// A character of UTF-8 that may be cut anywhere, as tokens cut it, or bytes of it that make no character.
package struct UTF8Piece: Hashable {
    /// The character; nil for bytes that make none.
    package let scalar: Unicode.Scalar?
    /// Its place among the bytes.
    package let range: Range<Int>

    /// All pieces, in order and without gaps.
    package static func all(in bytes: some Sequence<UInt8>) -> [UTF8Piece] {
        var pieces: [UTF8Piece] = []
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        func append(_ scalar: Unicode.Scalar?, _ length: Int) {
            let start = pieces.last?.range.upperBound ?? 0
            pieces.append(UTF8Piece(scalar: scalar, range: start..<start + length))
        }
        while true {
            switch parser.parseScalar(from: &iterator) {
            case .valid(let encoded): append(Unicode.UTF8.decode(encoded), encoded.count)
            case .error(let length): append(nil, length)
            case .emptyInput: return pieces
            }
        }
    }

    /// Bytes for people to read: those that make no character are shown as `\xE2\x82`.
    package static func readable(_ bytes: some Collection<UInt8>) -> String {
        var text = ""
        var rest = bytes[...]
        for piece in all(in: bytes) {
            let own = rest.prefix(piece.range.count)
            rest = rest.dropFirst(piece.range.count)
            if let scalar = piece.scalar {
                text.unicodeScalars.append(scalar)
            } else {
                for byte in own { text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true) }
            }
        }
        return text
    }
}
