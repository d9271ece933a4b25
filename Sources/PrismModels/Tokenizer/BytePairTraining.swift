/// Learns merges from text by the classical algorithm (Sennrich et al. 2016): count the pairs of neighbouring tokens in all
/// pieces, merge the most frequent pair everywhere, and so on. Of equally frequent pairs the one of the smaller ids comes
/// first, the left one deciding; so does Hugging Face `tokenizers`, and the result is the same at each run.
///
/// Pieces are held once, with their counts. A merge touches only the pieces that its pair occurs in, and pairs wait in a
/// heap, whose counts are corrected when they come up.
struct BytePairTraining {
    /// Pairs of ids, the first learned first.
    private(set) var merges: [(left: Int32, right: Int32)] = []
    /// What each id stands for.
    private(set) var tokens: [[UInt8]]
    /// Token text → id: two merges may make the same text.
    private var ids: [[UInt8]: Int32]
    private var pieces: [Piece]
    /// Pair → how often it occurs in all pieces.
    private var counts: [Pair: Int] = [:]
    /// Pair → pieces that it occurs in, or occurred in.
    private var places: [Pair: [Int32]] = [:]
    private var heap = LeastHeap<Candidate>()

    private struct Piece {
        var symbols: [Int32]
        let count: Int
    }

    private struct Pair: Hashable, Comparable {
        let left: Int32
        let right: Int32
        static func < (a: Pair, b: Pair) -> Bool { (a.left, a.right) < (b.left, b.right) }
    }

    private struct Candidate: Comparable {
        var count: Int
        let pair: Pair
        /// The better candidate is the lesser.
        static func < (a: Candidate, b: Candidate) -> Bool { a.count != b.count ? a.count > b.count : a.pair < b.pair }
    }

    /// - pieces: how often each piece occurs; in any order.
    /// - tokens: what ids stand for before anything is merged, the 256 bytes among them; others are not made by merging.
    init(_ pieces: [[UInt8]: Int], tokens: [[UInt8]]) {
        self.tokens = tokens
        let ids = Dictionary(zip(tokens, Int32(0)...), uniquingKeysWith: { first, _ in first })
        self.ids = ids
        let byteIDs = (0...255).map { ids[[$0]]! }
        self.pieces = pieces.map { piece, count in Piece(symbols: piece.map { byteIDs[Int($0)] }, count: count) }
        for (number, piece) in self.pieces.enumerated() {
            for pair in Self.pairs(piece.symbols) {
                counts[pair, default: 0] += piece.count
                note(pair, Int32(number))
            }
        }
        for (pair, count) in counts { heap.insert(Candidate(count: count, pair: pair)) }
    }

    private static func pairs(_ symbols: [Int32]) -> LazyMapSequence<Zip2Sequence<[Int32], ArraySlice<Int32>>, Pair> {
        zip(symbols, symbols.dropFirst()).lazy.map { Pair(left: $0, right: $1) }
    }

    private mutating func note(_ pair: Pair, _ piece: Int32) {
        if places[pair]?.last != piece { places[pair, default: []].append(piece) }
    }

    /// Merges until there are as many tokens as are wanted, or no pair occurs often enough.
    mutating func run(vocabulary: Int, minimumCount: Int) {
        while tokens.count < vocabulary, var best = heap.popLeast() {
            let count = counts[best.pair] ?? 0
            if count < best.count {
                best.count = count
                if count > 0 { heap.insert(best) }
                continue
            }
            if count < max(1, minimumCount) { return }
            merge(best.pair)
        }
    }

    private mutating func merge(_ pair: Pair) {
        let text = tokens[Int(pair.left)] + tokens[Int(pair.right)]
        let id = ids[text] ?? Int32(tokens.count)
        if Int(id) == tokens.count {
            tokens.append(text)
            ids[text] = id
        }
        merges.append((pair.left, pair.right))
        var grown: Set<Pair> = []
        for number in places.removeValue(forKey: pair)! {
            var piece = pieces[Int(number)]
            let old = piece.symbols
            piece.symbols = Self.merged(old, pair, id)
            // A piece may be noted twice, or have lost the pair to another merge.
            if piece.symbols.count == old.count { continue }
            for pair in Self.pairs(old) { counts[pair]! -= piece.count }
            for pair in Self.pairs(piece.symbols) {
                counts[pair, default: 0] += piece.count
                if pair.left == id || pair.right == id {
                    note(pair, number)
                    grown.insert(pair)
                }
            }
            pieces[Int(number)] = piece
        }
        counts[pair] = nil
        for pair in grown { if let count = counts[pair] { heap.insert(Candidate(count: count, pair: pair)) } }
    }

    private static func merged(_ symbols: [Int32], _ pair: Pair, _ id: Int32) -> [Int32] {
        var result: [Int32] = []
        result.reserveCapacity(symbols.count)
        var i = 0
        while i < symbols.count {
            let isPair = symbols[i] == pair.left && i + 1 < symbols.count && symbols[i + 1] == pair.right
            result.append(isPair ? id : symbols[i])
            i += isPair ? 2 : 1
        }
        return result
    }
}
