/// The symbols that a piece consists of before any are merged: its bytes, or its characters.
package struct SymbolAlphabet: Sendable {
    /// The characters that are tokens, by their UTF-8 packed into a number; nil if symbols are bytes.
    private let characters: [UInt32: Int32]?
    /// Byte → id; −1 for bytes that no token stands for.
    private let bytes: [Int32]
    private let unknownID: Int32?
    private let fusesUnknown: Bool

    /// Each byte is a symbol. Those that no token stands for (−1) are dropped, as `tokenizers` and llama.cpp do.
    /// - bytes: 256 ids.
    package init(bytes: [Int32]) {
        precondition(bytes.count == 256)
        (characters, self.bytes, unknownID, fusesUnknown) = (nil, bytes, nil, false)
    }

    /// Each character is a symbol. What is no token falls back to its bytes if all of them are, else to the unknown token
    /// if there is one, else it is dropped.
    /// - tokens: all tokens that encoding may give, of which the characters are picked.
    /// - bytes: 256 ids, or none.
    /// - fusesUnknown: whether a run of unknown characters is one token.
    init(characters tokens: [ArraySlice<UInt8>: Int32], bytes: [Int32], unknownID: Int32?, fusesUnknown: Bool) {
        precondition(bytes.isEmpty || bytes.count == 256)
        var characters: [UInt32: Int32] = [:]
        for (token, id) in tokens {
            if let first = token.first, token.count == Self.length(first) { characters[Self.packed(token)] = id }
        }
        self.characters = characters
        self.bytes = bytes.isEmpty ? [Int32](repeating: -1, count: 256) : bytes
        self.unknownID = unknownID
        self.fusesUnknown = fusesUnknown
    }

    /// - piece: valid UTF-8.
    func append(_ piece: UnsafeBufferPointer<UInt8>, to symbols: inout [Int32]) {
        guard let characters else {
            for byte in piece where bytes[Int(byte)] >= 0 { symbols.append(bytes[Int(byte)]) }
            return
        }
        var wasUnknown = false
        var position = 0
        while position < piece.count {
            let character = piece[position..<position + Self.length(piece[position])]
            position = character.endIndex
            if let id = characters[Self.packed(character)] {
                symbols.append(id)
                wasUnknown = false
            } else {
                appendUnknown(character, &wasUnknown, to: &symbols)
            }
        }
    }

    /// Appends what stands for a character that is no token. - wasUnknown: whether the unknown token stands just before.
    func appendUnknown(
        _ character: some Sequence<UInt8>, _ wasUnknown: inout Bool, to symbols: inout [Int32]
    ) {
        if character.allSatisfy({ bytes[Int($0)] >= 0 }) {
            for byte in character { symbols.append(bytes[Int(byte)]) }
            wasUnknown = false
        } else if let unknownID {
            if !(wasUnknown && fusesUnknown) { symbols.append(unknownID) }
            wasUnknown = true
        }
    }

    /// The length of the character that a byte begins.
    static func length(_ first: UInt8) -> Int { first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4 }

    private static func packed(_ character: some Sequence<UInt8>) -> UInt32 {
        character.reduce(0) { $0 << 8 | UInt32($1) }
    }
}
