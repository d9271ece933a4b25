import Foundation
import PrismCore

/// Text to token ids and back, as the model was trained with.
///
/// Encoding: text → stretches between added tokens such as `<|im_start|>` → `Normaliser` → pieces (`PieceSplitter`) → ids
/// (`PieceEncoder`). Many tokenizers normalise nothing: then `decode(encode(text))` is the text. Those made with
/// SentencePiece put a space before each stretch, and `decode` takes one from the beginning of what it decodes, so that a
/// text of one stretch comes back; the first token's `bytes` are then one longer than what it covers of the text. May be
/// used from several threads at once.
public struct Tokenizer: Sendable {
    /// The token that begins a text; nil if the model has none. It may well be 0.
    public let bosID: Int32?
    /// The token that ends a text or a turn; nil if the model has none.
    public let eosID: Int32?
    /// Whether the model expects `bosID` before each text. `encode` does not put it there: whoever builds contexts
    /// does. May be set where prompts shall look like the contexts that something was trained on.
    public var addsBOS: Bool
    let vocabulary: Vocabulary
    let added: AddedTokens
    /// Applied before the added tokens that match normalised text are looked for …
    var normaliser = Normaliser()
    /// … and after that.
    var marker = Normaliser()
    let splitters: [any PieceSplitter]
    let encoder: any PieceEncoder
    /// How many spaces at the beginning decoding takes away at most.
    var droppedSpaces = 0

    /// Ids run from 0 to below this.
    public var vocabularyCount: Int { vocabulary.count }

    /// - allowSpecial: whether the text of a special token, such as `<|im_end|>`, becomes that token; if not, it is
    ///   encoded as any other text, which untrusted text should be. Added tokens that are not special are recognised
    ///   either way.
    public func encode(_ text: String, allowSpecial: Bool = true) -> [Int32] {
        var text = text
        return text.withUTF8 { bytes in
            // Most text has at least three bytes to a token.
            var ids: [Int32] = []
            ids.reserveCapacity(bytes.count / 3 + 8)
            encoder.withScratch { encode in
                forEachStretch(of: bytes, allowSpecial) { text, stretch in
                    switch stretch {
                    case .token(let id): ids.append(id)
                    case .text(let range): split(text, range, with: splitters[...]) { encode(text, $0, &ids) }
                    }
                }
            }
            return ids
        }
    }

    /// Encodes bytes that need not be UTF-8: each invalid sequence is taken for U+FFFD, as Python's
    /// `decode(errors="replace")` does.
    public func encode(bytes: Data, allowSpecial: Bool = true) -> [Int32] {
        encode(String(decoding: bytes, as: UTF8.self), allowSpecial: allowSpecial)
    }

    /// Calls `body` with the added tokens in a text and the normalised stretches between them.
    private func forEachStretch(
        of text: UnsafeBufferPointer<UInt8>, _ allowSpecial: Bool,
        _ body: (UnsafeBufferPointer<UInt8>, AddedTokens.Stretch) -> Void
    ) {
        added.raw.forEachStretch(of: text, text.indices, allowSpecial: allowSpecial) { stretch in
            guard case .text(let outer) = stretch else { return body(text, stretch) }
            normaliser.withNormalised(text, outer, isFirst: outer.lowerBound == 0) { text, range in
                added.normalised.forEachStretch(of: text, range, allowSpecial: allowSpecial) { stretch in
                    guard case .text(let inner) = stretch else { return body(text, stretch) }
                    let isFirst = outer.lowerBound == 0 && inner.lowerBound == range.lowerBound
                    marker.withNormalised(text, inner, isFirst: isFirst) { body($0, .text($1)) }
                }
            }
        }
    }

    private func split(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, with splitters: ArraySlice<any PieceSplitter>,
        _ piece: (Range<Int>) -> Void
    ) {
        guard let first = splitters.first else { return piece(range) }
        first.split(text, range) { split(text, $0, with: splitters.dropFirst(), piece) }
    }

    /// The text of some tokens, special ones included. Bytes that are no UTF-8 together become U+FFFD; ids outside the
    /// vocabulary stand for nothing. The space that SentencePiece puts before a text is taken away.
    public func decode(_ ids: [Int32]) -> String {
        var bytes: [UInt8] = []
        for id in ids { bytes += vocabulary.bytes(of: id) }
        let dropped = bytes.prefix(droppedSpaces).prefix { $0 == UInt8(ascii: " ") }.count
        return String(decoding: bytes.dropFirst(dropped), as: UTF8.self)
    }

    /// What a single token stands for: a part of a text's UTF-8, perhaps of a character.
    public func bytes(of id: Int32) -> Data { Data(vocabulary.bytes(of: id)) }

    /// How many bytes a token stands for.
    package func byteCount(of id: Int32) -> Int { vocabulary.bytes(of: id).count }

    /// A token for people to read: bytes that are no whole character are shown as `\xE2\x82`.
    public func text(of id: Int32) -> String { UTF8Piece.readable(vocabulary.bytes(of: id)) }

    /// The id of a special or other added token by its exact text, for example `<|im_start|>`; nil if there is none.
    public func id(ofAdded text: String) -> Int32? { added.id(of: text) }
}

extension Tokenizer: CustomStringConvertible {
    /// Short: the default would print the whole vocabulary into a log.
    public var description: String { "tokenizer of \(vocabularyCount) tokens" }
}

/// Cuts text into pieces, which tokens do not cross: one stage of a pre-tokenizer.
package protocol PieceSplitter: Sendable {
    /// Calls `piece` with consecutive ranges that cover `range`, of valid UTF-8. What lies outside is not looked at.
    func split(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ piece: (Range<Int>) -> Void)
}

/// Turns pieces into ids: the tokenizer's model.
package protocol PieceEncoder: Sendable {
    /// Lends `body` a function that appends the ids of a piece of a text; its memory is the borrower's alone.
    func withScratch(_ body: (_ encode: (UnsafeBufferPointer<UInt8>, Range<Int>, inout [Int32]) -> Void) -> Void)
}
