import PrismFormats

/// What a BPE tokenizer with ranked merges is built from, whichever file it comes in.
struct BytePairVocabulary {
    enum Kind {
        /// Texts are in the byte-level alphabet.
        case byteLevel
        /// Texts are characters, with ▁ for a space. - bytes: whether unknown characters fall back to byte tokens.
        case characters(bytes: Bool)
    }

    var kind = Kind.byteLevel
    /// Token texts by id; nil for ids that stand for nothing.
    var tokens: [String?]
    /// Added tokens, whose text is plain, not in the byte-level alphabet: as it stands in normalised text.
    var added: [Int32: String] = [:]
    /// Pairs of token texts, the first learned first.
    var merges: [(String, String)]
    /// The token for what has none; nil drops it.
    var unknownID: Int32?
    /// Whether a run of unknown characters is one token.
    var fusesUnknown = false
    /// Whether a piece that is a token is taken whole, whatever the merges say.
    var ignoresMerges = false

    /// - Throws: `PrismError.badData` if a token occurs twice, a merge speaks of tokens that do not exist or occurs twice, or
    /// bytes are to be fallen back to that are no tokens.
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
            guard ids.updateValue(id, forKey: ExactString(string: token)) == nil else {
                throw problem("the token ‘\(token)’ occurs twice")
            }
            switch kind {
            case .byteLevel:
                let bytes = added[id] == nil ? ByteLevelAlphabet.bytes(of: token) : nil
                vocabulary.append(bytes ?? Array((added[id] ?? token).utf8))
                if ignoresMerges, let bytes { wholePieces[bytes] = id }
            case .characters(let hasBytes):
                let byte = hasBytes ? SpaceMark.byte(of: token) : nil
                vocabulary.append(byte.map { [$0] } ?? SpaceMark.text(of: added[id] ?? token))
                if ignoresMerges { wholePieces[Array(token.utf8)] = id }
            }
        }
        let alphabet = try alphabet(ids, problem)

        var encoded: [BytePairEncoder.Merge] = []
        var seen: Set<UInt64> = []
        encoded.reserveCapacity(merges.count)
        seen.reserveCapacity(merges.count)
        for (number, (left, right)) in merges.enumerated() {
            guard let leftID = ids[ExactString(string: left)], let rightID = ids[ExactString(string: right)],
                let merged = ids[ExactString(string: left + right)]
            else {
                throw problem(
                    "merge \(number), ‘\(left)’ + ‘\(right)’, speaks of tokens that the vocabulary does not have")
            }
            guard seen.insert(UInt64(leftID) << 32 | UInt64(rightID)).inserted else {
                throw problem("merge \(number), ‘\(left)’ + ‘\(right)’, occurs twice")
            }
            encoded.append(
                BytePairEncoder.Merge(left: leftID, right: rightID, merged: merged, rank: Int32(number)))
        }
        return (vocabulary, BytePairEncoder(alphabet: alphabet, merges: encoded, wholePieces: wholePieces))
    }

    private func alphabet(_ ids: [ExactString: Int32], _ problem: (String) -> any Error) throws -> SymbolAlphabet {
        guard case .characters(let hasBytes) = kind else {
            return SymbolAlphabet(
                bytes: ByteLevelAlphabet.scalars.map { ids[ExactString(string: String($0))] ?? unknownID ?? -1 })
        }
        var characters: [ArraySlice<UInt8>: Int32] = [:]
        for (token, id) in ids where token.string.unicodeScalars.count == 1 {
            characters[Array(token.string.utf8)[...]] = id
        }
        return SymbolAlphabet(
            characters: characters, bytes: hasBytes ? try SpaceMark.byteIDs(tokens, problem) : [],
            unknownID: unknownID, fusesUnknown: fusesUnknown)
    }
}
