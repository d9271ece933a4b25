import PrismFormats

/// What a SentencePiece tokenizer (Kudo and Richardson 2018) is built from, whichever file it comes in: pieces with scores,
/// and what is done to a text before.
struct SentencePieceVocabulary {
    struct Piece {
        let text: String
        let score: Float
        let kind: Kind
    }

    /// Numbered as in sentencepiece's and ggml's files.
    enum Kind: Int {
        case normal = 1
        case unknown, control, userDefined, unused, byte
    }

    enum Algorithm {
        /// Of all neighbouring pairs that make a piece the one of the highest score is merged first.
        case bytePair
        case unigram
    }

    let algorithm: Algorithm
    let pieces: [Piece]
    var fallsBackToBytes: Bool
    var characterMap: CharacterMap?
    var addsDummyPrefix = true
    var removesExtraSpaces = true

    /// - Throws: `PrismError.badData` if a piece occurs twice, a score is no number, or bytes are to be fallen back to that
    /// are no pieces.
    func built(_ problem: (String) -> any Error) throws -> (Vocabulary, any PieceEncoder, [any PieceSplitter]) {
        var vocabulary = Vocabulary()
        var ids: [ArraySlice<UInt8>: Int32] = [:]
        var normal: [(text: [UInt8], id: Int32)] = []
        var unknownID: Int32?
        ids.reserveCapacity(pieces.count)
        for (number, piece) in pieces.enumerated() {
            let (text, id) = (Array(piece.text.utf8), Int32(number))
            guard ids.updateValue(id, forKey: text[...]) == nil else {
                throw problem("the piece ‘\(piece.text)’ occurs twice")
            }
            guard !text.isEmpty, piece.score.isFinite else {
                throw problem("piece \(number), ‘\(piece.text)’, has no text or the score \(piece.score)")
            }
            switch piece.kind {
            case .byte:
                guard let byte = SpaceMark.byte(of: piece.text) else {
                    throw problem("the piece ‘\(piece.text)’ is of the type byte, expected ‘<0x00>’ to ‘<0xFF>’")
                }
                vocabulary.append([byte])
                continue
            case .normal: normal.append((text, id))
            case .userDefined where algorithm == .unigram: normal.append((text, id))
            case .unknown: unknownID = id
            default: break
            }
            vocabulary.append(SpaceMark.text(of: piece.text))
        }
        let bytes = fallsBackToBytes ? try SpaceMark.byteIDs(pieces.map(\.text), problem) : []
        // Only what encoding can give: sentencepiece too leaves control, unknown and byte pieces out.
        let known = Dictionary(uniqueKeysWithValues: normal.map { ($0.text[...], $0.id) })
        func alphabet(_ characters: [ArraySlice<UInt8>: Int32]) -> SymbolAlphabet {
            SymbolAlphabet(characters: characters, bytes: bytes, unknownID: unknownID, fusesUnknown: true)
        }
        switch algorithm {
        case .bytePair:
            let encoder = BytePairEncoder(alphabet: alphabet(known), merges: merges(known))
            return (vocabulary, encoder, WordSplitter.withoutEffect(on: normal.map(\.text)).map { [$0] } ?? [])
        case .unigram: return (vocabulary, unigram(normal, alphabet: alphabet([:])), [])
        }
    }

    /// Every way to make a piece of two others.
    private func merges(_ ids: [ArraySlice<UInt8>: Int32]) -> [BytePairEncoder.Merge] {
        let scores = Set(ids.values.map { pieces[Int($0)].score }).sorted(by: >)
        let ranks = Dictionary(uniqueKeysWithValues: zip(scores, Int32(0)...))
        var merges: [BytePairEncoder.Merge] = []
        for (text, merged) in ids {
            for cut in text.indices.dropFirst() where text[cut] & 0xc0 != 0x80 {
                if let left = ids[text[..<cut]], let right = ids[text[cut...]] {
                    let rank = ranks[pieces[Int(merged)].score]!
                    merges.append(BytePairEncoder.Merge(left: left, right: right, merged: merged, rank: rank))
                }
            }
        }
        return merges
    }

    private func unigram(_ normal: [(text: [UInt8], id: Int32)], alphabet: SymbolAlphabet) -> UnigramEncoder {
        let scores = pieces.filter { $0.kind == .normal }.map(\.score)
        let (least, greatest) = (scores.min() ?? 0, scores.max() ?? 0)
        let tokens = normal.map { text, id in
            let piece = pieces[Int(id)]
            // sentencepiece's bonus for pieces that the user defined, which are to win always.
            let score = piece.kind == .userDefined ? Double(Float(text.count) * greatest) - 0.1 : Double(piece.score)
            return UnigramEncoder.Token(text: text, id: id, score: score)
        }
        return UnigramEncoder(tokens, unknownScore: Double(least - 10), isSingle: true, alphabet: alphabet)
    }

    /// What is done to a text: its characters mapped, a dummy space before it, and ▁ for spaces.
    var normaliser: Normaliser {
        var steps: [Normaliser.Step] = characterMap.map { [.map($0)] } ?? []
        if removesExtraSpaces { steps.append(.collapseSpaces) }
        steps.append(.replace([0x20], with: SpaceMark.bytes))
        if addsDummyPrefix { steps.append(.prefix(SpaceMark.bytes)) }
        return Normaliser(steps: steps)
    }

    /// How many spaces at the beginning sentencepiece's decoding takes away.
    var droppedSpaces: Int { removesExtraSpaces ? .max : addsDummyPrefix ? 1 : 0 }
}

extension SpaceMark {
    /// The tokens that stand for the 256 bytes.
    /// - Throws: `PrismError.badData` if one is missing.
    static func byteIDs(_ tokens: [String?], _ problem: (String) -> any Error) throws -> [Int32] {
        var ids = [Int32](repeating: -1, count: 256)
        for (id, token) in tokens.enumerated() {
            if let byte = token.flatMap(SpaceMark.byte) { ids[Int(byte)] = Int32(id) }
        }
        guard let missing = ids.firstIndex(of: -1) else { return ids }
        throw problem("there is byte fall-back, but no token for the byte \(missing)")
    }
}
