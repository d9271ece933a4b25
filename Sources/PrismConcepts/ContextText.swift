import PrismActivations
import PrismCore
import PrismModels

/// The text of a context, its characters, and which of them each token holds.
///
/// Tokens may hold parts of characters. A character belongs to each token that holds some of its bytes, so that a third of
/// a 語 is known by the bytes beside it. What the context's edges cut off is no character.
struct ContextText {
    let context: TokenContext
    /// UTF-8 of all tokens that hold text.
    let bytes: [UInt8]
    /// The bytes of each token; empty for BOS and EOS, which are no part of a document.
    let tokens: [Range<Int>]
    /// In order, without gaps.
    let characters: [UTF8Piece]
    /// The token that holds each byte, [bytes].
    private let tokenOfByte: [Int32]
    /// The character that holds each byte, [bytes].
    private let characterOfByte: [Int32]

    init(_ context: TokenContext, tokenizer: Tokenizer) {
        self.context = context
        var bytes: [UInt8] = []
        var tokenOfByte: [Int32] = []
        tokens = context.tokens.enumerated().map { index, id in
            let start = bytes.count
            if id != tokenizer.bosID, id != tokenizer.eosID { bytes += tokenizer.bytes(of: id) }
            tokenOfByte += repeatElement(Int32(index), count: bytes.count - start)
            return start..<bytes.count
        }
        characters = UTF8Piece.all(in: bytes)
        characterOfByte = characters.enumerated().flatMap { repeatElement(Int32($0), count: $1.range.count) }
        (self.bytes, self.tokenOfByte) = (bytes, tokenOfByte)
    }

    /// The characters of which a token holds some bytes.
    func characters(ofToken token: Int) -> Range<Int> {
        let range = tokens[token]
        guard !range.isEmpty else { return 0..<0 }
        return Int(characterOfByte[range.lowerBound])..<Int(characterOfByte[range.upperBound - 1]) + 1
    }

    /// The tokens that hold some of these bytes.
    func tokens(ofBytes range: Range<Int>) -> Range<Int> {
        guard !range.isEmpty else { return 0..<0 }
        return Int(tokenOfByte[range.lowerBound])..<Int(tokenOfByte[range.upperBound - 1]) + 1
    }
}

/// The text that a labeller learns from.
struct ObservedText {
    let contexts: [TokenContext]
    let corpus: Corpus
    let tokenizer: Tokenizer
    /// How often each token occurs.
    let counts: [Int32: Int]
    /// Tokens in all.
    let total: Int

    init(_ contexts: [TokenContext], corpus: Corpus, tokenizer: Tokenizer) {
        (self.contexts, self.corpus, self.tokenizer) = (contexts, corpus, tokenizer)
        var counts: [Int32: Int] = [:]
        for context in contexts {
            for id in context.tokens where id != tokenizer.bosID && id != tokenizer.eosID {
                counts[id, default: 0] += 1
            }
        }
        self.counts = counts
        total = counts.values.reduce(0, +)
    }
}
