import PrismCore
import Testing

@Suite struct UTF8PieceTests {
    @Test func coversAllBytesInOrder() {
        var generator = SeededGenerator(seed: 3, stream: "bytes")
        // Leads, continuations and ASCII, so that whole characters and broken ones are both common.
        let alphabet: [UInt8] = [
            0x41, 0x20, 0xC3, 0xA9, 0xE0, 0xB0, 0xAA, 0xED, 0xA0, 0xF0, 0x9F, 0x98, 0x80, 0xFF, 0xC0,
        ]
        for _ in 0..<2000 {
            let bytes = (0..<9).map { _ in alphabet[Int(generator.next() % UInt64(alphabet.count))] }
            let pieces = UTF8Piece.all(in: bytes)
            #expect(pieces.flatMap(\.range) == Array(bytes.indices))
            // The standard library puts one U+FFFD where bytes make no character.
            let text = String.UnicodeScalarView(pieces.map { $0.scalar ?? "\u{FFFD}" })
            #expect(String(text).unicodeScalars.elementsEqual(String(decoding: bytes, as: UTF8.self).unicodeScalars))
            for piece in pieces {
                guard let scalar = piece.scalar else { continue }
                #expect(Array(String(scalar).utf8) == Array(bytes[piece.range]))
            }
        }
    }

    @Test func findsTheCharactersOfCutText() {
        let bytes = Array("పa".utf8).dropFirst() + Array("ప".utf8) + [0xE0, 0xB0]
        let pieces = UTF8Piece.all(in: bytes)
        #expect(pieces.map(\.scalar) == [nil, nil, "a", "ప", nil])
        #expect(pieces.map(\.range.count) == [1, 1, 1, 3, 2])
    }

    @Test func isReadable() {
        #expect(UTF8Piece.readable(Array(" é\u{FEFF}".utf8)) == " é\u{FEFF}")
        #expect(UTF8Piece.readable([0x20, 0xE2, 0x82]) == " \\xE2\\x82")
        #expect(UTF8Piece.readable([0x0A, 0x80, 0x41]) == "\n\\x80A")
        #expect(UTF8Piece.readable([]) == "")
        // A slice whose indices do not begin at zero.
        #expect(UTF8Piece.readable(Array("xyప".utf8)[3...]) == "\\xB0\\xAA")
    }
}
