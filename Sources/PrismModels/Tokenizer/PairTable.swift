/// Pair of ids → rank of its merge: open addressing in one array, several times faster than `Dictionary` for this use.
struct PairTable: Sendable {
    /// Left id in the upper half, right id in the lower; `vacant` where there is none, which no pair of ids is.
    private var keys: [UInt64]
    private var ranks: [Int32]
    private let mask: Int
    private static let vacant = UInt64.max

    init(_ merges: [BytePairEncoder.Merge]) {
        var size = 16
        while size < 2 * merges.count { size *= 2 }
        mask = size - 1
        keys = [UInt64](repeating: Self.vacant, count: size)
        ranks = [Int32](repeating: 0, count: size)
        for (rank, merge) in merges.enumerated() {
            let slot = slot(Self.key(merge.left, merge.right))
            keys[slot] = Self.key(merge.left, merge.right)
            ranks[slot] = Int32(rank)
        }
    }

    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// Where the key is, or would be.
    @inline(__always) private func slot(_ key: UInt64) -> Int {
        // The golden ratio spreads neighbouring ids; its upper bits are the well-mixed ones.
        var slot = Int(truncatingIfNeeded: (key &* 0x9e37_79b9_7f4a_7c15) >> 32) & mask
        while keys[slot] != key && keys[slot] != Self.vacant { slot = (slot + 1) & mask }
        return slot
    }

    @inline(__always) subscript(left: Int32, right: Int32) -> Int32? {
        let key = Self.key(left, right)
        let slot = slot(key)
        return keys[slot] == key ? ranks[slot] : nil
    }
}

/// A binary heap that gives the least number first.
struct LeastHeap {
    private var items: [UInt64] = []

    mutating func insert(_ item: UInt64) {
        items.append(item)
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if items[parent] <= item { break }
            items[child] = items[parent]
            child = parent
        }
        items[child] = item
    }

    mutating func popLeast() -> UInt64? {
        guard let least = items.first else { return nil }
        let last = items.removeLast()
        if items.isEmpty { return least }
        var parent = 0
        while true {
            var child = 2 * parent + 1
            if child >= items.count { break }
            if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
            if last <= items[child] { break }
            items[parent] = items[child]
            parent = child
        }
        items[parent] = last
        return least
    }
}
