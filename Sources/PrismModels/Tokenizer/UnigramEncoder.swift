/// The unigram language model's most probable segmentation (Kudo 2018): of all ways to cut a piece into tokens the one
/// whose scores, which are log probabilities, have the greatest sum. Found by dynamic programming over the ends of tokens
/// (Viterbi), in time proportional to the piece.
struct UnigramEncoder: PieceEncoder {
    /// A token that can be found in a text.
    struct Token {
        let text: [UInt8]
        let id: Int32
        let score: Double
    }

    /// (node, byte) → node: the tokens' texts from node 0.
    private var children: PairTable
    /// For each node the number of the token that ends there; −1 if none does.
    private var tokenAtNode: [Int32] = [-1]
    private let tokens: [Token]
    private let unknownScore: Double
    private let isSingle: Bool
    /// Has no characters: only what falls back comes to it.
    private let alphabet: SymbolAlphabet

    /// - tokens: no text twice.
    /// - unknownScore: of each character that no token covers alone.
    /// - isSingle: whether sums are rounded to single precision, as sentencepiece does; `tokenizers` does not. It decides
    ///   between segmentations that are equally probable, and so sums must begin where the reference's do.
    init(_ tokens: [Token], unknownScore: Double, isSingle: Bool, alphabet: SymbolAlphabet) {
        self.tokens = tokens
        self.unknownScore = unknownScore
        self.isSingle = isSingle
        self.alphabet = alphabet
        children = PairTable(capacity: tokens.reduce(0) { $0 + $1.text.count })
        for (number, token) in tokens.enumerated() where !token.text.isEmpty {
            var node: Int32 = 0
            for byte in token.text {
                if let child = children[node, Int32(byte)] {
                    node = child
                } else {
                    let child = Int32(tokenAtNode.count)
                    children.insert(node, Int32(byte), child)
                    tokenAtNode.append(-1)
                    node = child
                }
            }
            tokenAtNode[Int(node)] = Int32(number)
        }
    }

    func withScratch(
        _ body: (_ encode: (UnsafeBufferPointer<UInt8>, Range<Int>, inout [Int32]) -> Void) -> Void
    ) {
        var ends: [End] = []
        body { text, range, ids in encode(UnsafeBufferPointer(rebasing: text[range]), &ends, &ids) }
    }

    /// The best segmentation that ends at a byte.
    private struct End {
        /// Where its last token begins; −1 if nothing ends here.
        var start = -1
        /// −1 for an unknown character.
        var token: Int32 = -1
        var score = 0.0
    }

    private func encode(_ piece: UnsafeBufferPointer<UInt8>, _ ends: inout [End], _ ids: inout [Int32]) {
        ends.removeAll(keepingCapacity: true)
        ends.append(contentsOf: repeatElement(End(), count: piece.count + 1))
        var start = 0
        while start < piece.count {
            let character = start + SymbolAlphabet.length(piece[start])
            let score = ends[start].score
            var coversCharacter = false
            var node: Int32 = 0
            var end = start
            while end < piece.count, let child = children[node, Int32(piece[end])] {
                node = child
                end += 1
                let number = tokenAtNode[Int(node)]
                if number < 0 { continue }
                if end == character { coversCharacter = true }
                offer(End(start: start, token: number, score: score + tokens[Int(number)].score), &ends[end])
            }
            if !coversCharacter {
                offer(End(start: start, token: -1, score: score + unknownScore), &ends[character])
            }
            start = character
        }

        var path: [Int] = []
        var end = piece.count
        while end > 0 {
            path.append(end)
            end = ends[end].start
        }
        var wasUnknown = false
        for end in path.reversed() {
            let token = ends[end].token
            if token >= 0 {
                ids.append(tokens[Int(token)].id)
                wasUnknown = false
            } else {
                alphabet.appendUnknown(piece[ends[end].start..<end], &wasUnknown, to: &ids)
            }
        }
    }

    private func offer(_ new: End, _ end: inout End) {
        var new = new
        new.score = rounded(new.score)
        // The first of equals stays.
        if end.start < 0 || new.score > end.score { end = new }
    }

    private func rounded(_ score: Double) -> Double { isSingle ? Double(Float(score)) : score }
}
