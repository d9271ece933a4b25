import Foundation
import PrismCore

/// The tokens that a report shows, numbered by how often it shows them, so that frequent ones have short numbers.
///
/// A token may be a part of a character: the page joins the bytes of such tokens where it shows a text. In lists, where a
/// token stands alone, the characters that it helps to make stand for it; they are numbered after the tokens.
struct ReportVocabulary {
    enum Entry: Hashable, Encodable {
        case text(String)
        /// Of a token that is no whole text.
        case bytes([UInt8])

        func encode(to encoder: Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .bytes(let bytes): try container.encode(bytes)
            }
        }
    }

    let tokens: [Int32]
    let entries: [Entry]
    let numbers: [Int32: Int]
    private(set) var characters: [String] = []
    private var characterNumbers: [String: Int] = [:]
    private let bytes: [Int32: Data]

    init(
        atlas: Atlas, segments: ReportSegments, effects: [LogitEffects], examples: [[Atlas.ExampleRow]]
    ) throws {
        var counts: [Int32: Int] = [:]
        for segment in segments.all { for token in segment.tokens { counts[token, default: 0] += 1 } }
        for effect in effects {
            for entry in effect.promoted + effect.suppressed { counts[entry.token, default: 0] += 1 }
        }
        for example in examples.joined() { counts[example.token, default: 0] += 1 }
        let bytes = try atlas.bytes(of: counts.keys)
        self.bytes = bytes
        tokens = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
        entries = tokens.map { token in
            guard let own = bytes[token] else { return .text("⟨\(token)⟩") }
            return String(validating: own, as: UTF8.self).map(Entry.text) ?? .bytes(Array(own))
        }
        numbers = Dictionary(uniqueKeysWithValues: tokens.enumerated().map { ($1, $0) })
    }

    /// What an example fires on: the number of its token, or of the characters that the token helps to make there.
    mutating func number(of example: Atlas.ExampleRow, in segments: ReportSegments) -> Int {
        let token = numbers[example.token]!
        guard case .bytes = entries[token], let text = madeCharacters(at: example, in: segments) else { return token }
        if let known = characterNumbers[text] { return known }
        characters.append(text)
        characterNumbers[text] = entries.count + characters.count - 1
        return entries.count + characters.count - 1
    }

    /// nil if a byte of the token makes no character.
    private func madeCharacters(at example: Atlas.ExampleRow, in segments: ReportSegments) -> String? {
        let (segment, offset, window) = segments.place(of: example)
        let tokens = segments.all[segment].tokens
        let place = offset + example.position - window.lowerBound
        // No character has more than four bytes, so none has more than three neighbours on a side.
        let joined = (max(0, place - 3)..<min(tokens.count, place + 4)).map { bytes[tokens[$0]] ?? Data() }
        let before = joined[..<min(3, place)].reduce(0) { $0 + $1.count }
        let own = before..<before + bytes[example.token]!.count
        let pieces = UTF8Piece.all(in: joined.joined()).filter { $0.range.overlaps(own) }
        let scalars = pieces.compactMap(\.scalar)
        return scalars.count == pieces.count ? String(String.UnicodeScalarView(scalars)) : nil
    }
}
