import Synchronization

/// Byte-pair encoding (Sennrich et al. 2016): of all neighbouring pairs in a piece the one whose merge ranks lowest is
/// merged, the leftmost of equals, until no pair is left that merges.
///
/// A piece of n symbols costs O(n log n): pairs wait in a heap, and those that meanwhile vanished are skipped when they
/// come up.
package struct BytePairEncoder: PieceEncoder {
    package struct Merge: Hashable, Sendable {
        package let left: Int32
        package let right: Int32
        package let merged: Int32
        /// When it was learned, the first being 0; or the place of its score among all scores, the highest being 0.
        package let rank: Int32

        package init(left: Int32, right: Int32, merged: Int32, rank: Int32) {
            self.left = left
            self.right = right
            self.merged = merged
            self.rank = rank
        }
    }

    private let alphabet: SymbolAlphabet
    private let merges: [Merge]
    /// Pair → number of its merge.
    private let numbers: PairTable
    /// Pieces that are tokens as they are, whatever the merges say.
    private let wholePieces: [[UInt8]: Int32]
    private let pool = Pool()

    /// - merges: no pair twice.
    /// - wholePieces: empty unless the tokenizer ignores merges for whole tokens.
    package init(alphabet: SymbolAlphabet, merges: [Merge], wholePieces: [[UInt8]: Int32] = [:]) {
        self.alphabet = alphabet
        self.merges = merges
        self.wholePieces = wholePieces
        var numbers = PairTable(capacity: merges.count)
        for (number, merge) in merges.enumerated() { numbers.insert(merge.left, merge.right, Int32(number)) }
        self.numbers = numbers
    }

    package func withScratch(
        _ body: (_ encode: (UnsafeBufferPointer<UInt8>, Range<Int>, inout [Int32]) -> Void) -> Void
    ) {
        let scratch = pool.take()
        body { text, range, ids in encode(UnsafeBufferPointer(rebasing: text[range]), scratch, &ids) }
        pool.giveBack(scratch)
    }

    private func encode(_ piece: UnsafeBufferPointer<UInt8>, _ scratch: Scratch, _ ids: inout [Int32]) {
        guard let key = PieceKey(piece) else { return merge(piece, scratch, &ids) }
        if let known = scratch.known[key] {
            ids.append(contentsOf: scratch.knownIDs[Int(known.start)..<Int(known.start + known.count)])
            return
        }
        let first = ids.count
        merge(piece, scratch, &ids)
        scratch.remember(key, ids[first...])
    }

    private func merge(_ piece: UnsafeBufferPointer<UInt8>, _ scratch: Scratch, _ ids: inout [Int32]) {
        if !wholePieces.isEmpty, let id = wholePieces[Array(piece)] {
            ids.append(id)
            return
        }
        // A linked list of symbols in arrays; a symbol merged into its left neighbour is `gone`.
        let gone: Int32 = -1
        scratch.symbols.removeAll(keepingCapacity: true)
        alphabet.append(piece, to: &scratch.symbols)
        let count = scratch.symbols.count
        scratch.next.removeAll(keepingCapacity: true)
        scratch.previous.removeAll(keepingCapacity: true)
        for i in 0..<count {
            scratch.next.append(i + 1)
            scratch.previous.append(i - 1)
        }
        func merge(at i: Int) -> Merge? {
            guard i >= 0, scratch.symbols[i] != gone, scratch.next[i] < count else { return nil }
            return numbers[scratch.symbols[i], scratch.symbols[scratch.next[i]]].map { merges[Int($0)] }
        }
        func offer(_ i: Int) {
            if let merge = merge(at: i) { scratch.heap.insert(UInt64(merge.rank) << 32 | UInt64(i)) }
        }
        for i in 0..<count { offer(i) }
        while let top = scratch.heap.popLeast() {
            let i = Int(top & 0xffff_ffff)
            guard let merge = merge(at: i), merge.rank == top >> 32 else { continue }
            let j = scratch.next[i]
            scratch.symbols[i] = merge.merged
            scratch.symbols[j] = gone
            let after = scratch.next[j]
            scratch.next[i] = after
            if after < count { scratch.previous[after] = i }
            offer(scratch.previous[i])
            offer(i)
        }
        for symbol in scratch.symbols where symbol != gone { ids.append(symbol) }
    }
}

/// A piece of at most 32 bytes: longer ones come back too rarely to be worth remembering.
private struct PieceKey: Hashable {
    private var words: SIMD4<UInt64> = .zero
    private let count: UInt8

    init?(_ piece: UnsafeBufferPointer<UInt8>) {
        guard piece.count <= 32, let base = piece.baseAddress else { return nil }
        count = UInt8(piece.count)
        withUnsafeMutableBytes(of: &words) { $0.baseAddress!.copyMemory(from: base, byteCount: piece.count) }
    }

    static func == (a: PieceKey, b: PieceKey) -> Bool { a.words == b.words && a.count == b.count }

    func hash(into hasher: inout Hasher) {
        // Distinct lengths of equal words differ in zero bytes only: `==` tells them apart.
        hasher.combine(words[0])
        if count > 8 { for i in 1..<4 { hasher.combine(words[i]) } }
    }
}

/// Working memory and remembered pieces of one thread at a time.
private final class Scratch {
    var symbols: [Int32] = []
    var next: [Int] = []
    var previous: [Int] = []
    var heap = LeastHeap<UInt64>()
    var known: [PieceKey: (start: Int32, count: Int32)] = [:]
    var knownIDs: [Int32] = []

    /// Pieces remembered at most; when they are, all are forgotten. At up to 32 ids each this is bounded to some 10 MB.
    private static let knownLimit = 1 << 16

    func remember(_ key: PieceKey, _ ids: ArraySlice<Int32>) {
        if known.count >= Self.knownLimit {
            known.removeAll(keepingCapacity: true)
            knownIDs.removeAll(keepingCapacity: true)
        }
        known[key] = (Int32(knownIDs.count), Int32(ids.count))
        knownIDs += ids
    }
}

/// Scratch objects that no call uses at the moment: each thread takes one of its own.
private final class Pool: Sendable {
    private struct Free: @unchecked Sendable { var scratches: [Scratch] = [] }  // Guarded by the mutex.
    private let free = Mutex(Free())

    func take() -> Scratch {
        let free = free.withLock { free in SendingBox(free.scratches.popLast()) }
        return free.value ?? Scratch()
    }

    func giveBack(_ scratch: Scratch) {
        let box = SendingBox(scratch)
        free.withLock { $0.scratches.append(box.value!) }
    }

    /// Carries a scratch over the lock: it has one owner at a time.
    private struct SendingBox: @unchecked Sendable {
        let value: Scratch?
        init(_ value: Scratch?) { self.value = value }
    }
}
