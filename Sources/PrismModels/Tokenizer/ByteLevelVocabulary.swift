import PrismFormats

/// What a byte-level BPE tokenizer is built from, whichever file it comes in.
struct ByteLevelVocabulary {
    /// Token texts in the byte-level alphabet, by id; nil for ids that stand for nothing.
    var tokens: [String?]
    /// Ids that are added tokens: their text is plain, not in the byte-level alphabet.
    var addedIDs: Set<Int32> = []
    /// Pairs of token texts, the first learned first.
    var merges: [(String, String)]
    /// The token for bytes that have none; nil drops them.
    var unknownID: Int32?
    /// Whether a piece that is a token is taken whole, whatever the merges say.
    var ignoresMerges = false

    /// - Throws: `PrismError.badData` if a token occurs twice, or a merge speaks of tokens that do not exist, or occurs twice.
    func built(_ problem: (String) -> any Error) throws -> (Vocabulary, BytePairEncoder) {
        var vocabulary = Vocabulary()
        var ids: [ExactString: Int32] = [:]
        ids.reserveCapacity(tokens.count)
        var wholePieces: [[UInt8]: Int32] = [:]
        for (number, token) in tokens.enumerated() {
            let id = Int32(number)
            guard let token else {
                vocabulary.append([])
                continue
            }
            guard ids.updateValue(id, forKey: ExactString(string: token)) == nil else { throw problem("the token ‘\(token)’ occurs twice") }
            let bytes = addedIDs.contains(id) ? nil : ByteLevelAlphabet.bytes(of: token)
            vocabulary.append(bytes ?? Array(token.utf8))
            if ignoresMerges, let bytes { wholePieces[bytes] = id }
        }
        let byteIDs = ByteLevelAlphabet.scalars.map { ids[ExactString(string: String($0))] ?? unknownID ?? -1 }

        var encoded: [BytePairEncoder.Merge] = []
        var seen: Set<UInt64> = []
        encoded.reserveCapacity(merges.count)
        seen.reserveCapacity(merges.count)
        for (number, (left, right)) in merges.enumerated() {
            guard let leftID = ids[ExactString(string: left)], let rightID = ids[ExactString(string: right)],
                let merged = ids[ExactString(string: left + right)]
            else { throw problem("merge \(number), ‘\(left)’ + ‘\(right)’, speaks of tokens that the vocabulary does not have") }
            guard seen.insert(UInt64(leftID) << 32 | UInt64(rightID)).inserted else {
                throw problem("merge \(number), ‘\(left)’ + ‘\(right)’, occurs twice")
            }
            encoded.append(BytePairEncoder.Merge(left: leftID, right: rightID, merged: merged))
        }
        return (vocabulary, BytePairEncoder(byteIDs: byteIDs, merges: encoded, wholePieces: wholePieces))
    }
}
