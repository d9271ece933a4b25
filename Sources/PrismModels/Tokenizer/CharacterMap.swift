import PrismFormats

/// SentencePiece's `precompiled_charsmap`, by which text is normalised (Kudo and Richardson 2018): at each place the longest
/// sequence of characters that is in the map is replaced; a character that begins none stays.
///
/// Layout, little-endian: u32 length of a trie in bytes; the trie, a double array of u32 units (darts-clone); the
/// replacements, each ended by a zero byte, at the offsets that the trie gives.
struct CharacterMap: Sendable {
    private let units: [UInt32]
    private let replacements: [UInt8]

    /// - Throws: what `problem` makes of the words for what is wrong.
    init(_ bytes: [UInt8], _ problem: (String) -> any Error) throws {
        func number(at place: Int) -> UInt32 { (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << UInt32(8 * $1) } }
        guard bytes.count > 4, case let count = Int(number(at: 0)), count > 0, count % 4 == 0, count <= bytes.count - 4
        else {
            throw problem("the precompiled_charsmap is cut off")
        }
        units = stride(from: 4, to: 4 + count, by: 4).map(number)
        replacements = Array(bytes[(4 + count)...])
        guard replacements.last == 0, String(validating: replacements, as: UTF8.self) != nil else {
            throw problem("the precompiled_charsmap's replacements are not UTF-8 ended by zero")
        }
    }

    /// - text: valid UTF-8.
    func mapped(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            if let (end, offset) = longestMatch(in: text, from: position) {
                result += replacements[offset...].prefix { $0 != 0 }
                position = end
            } else {
                let end = position + SymbolAlphabet.length(text[position])
                result += text[position..<end]
                position = end
            }
        }
        return result
    }

    /// Where the longest sequence in the map ends, and where its replacement lies.
    private func longestMatch(in text: [UInt8], from start: Int) -> (end: Int, offset: Int)? {
        /// How far a node's children lie from it.
        func distance(_ unit: UInt32) -> Int { Int((unit >> 10) << ((unit & 1 << 9) >> 6)) }
        var best: (Int, Int)?
        var node = distance(units[0])
        for position in start..<text.count {
            node ^= Int(text[position])
            guard node < units.count, units[node] & 0x8000_00ff == UInt32(text[position]) else { break }
            let unit = units[node]
            node ^= distance(unit)
            // A damaged trie may lead anywhere: characters stay whole.
            let isWhole = position + 1 == text.count || text[position + 1] & 0xc0 != 0x80
            guard unit & 1 << 8 != 0, node < units.count, isWhole else { continue }
            let offset = Int(units[node] & 0x7fff_ffff)
            if offset < replacements.count, replacements[offset] & 0xc0 != 0x80 { best = (position + 1, offset) }
        }
        return best
    }
}
