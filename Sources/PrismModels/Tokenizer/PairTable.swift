/// Pair of numbers → number: open addressing in one array, several times faster than `Dictionary` for this use.
struct PairTable: Sendable {
    /// The left number in the upper half, the right one in the lower; `vacant` where there is none, which no pair is.
    private var keys: [UInt64]
    private var values: [Int32]
    private let mask: Int
    private static let vacant = UInt64.max

    /// - capacity: how many pairs there will be at most.
    init(capacity: Int) {
        var size = 16
        while size < 2 * capacity { size *= 2 }
        mask = size - 1
        keys = [UInt64](repeating: Self.vacant, count: size)
        values = [Int32](repeating: 0, count: size)
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
        return keys[slot] == key ? values[slot] : nil
    }

    mutating func insert(_ left: Int32, _ right: Int32, _ value: Int32) {
        let slot = slot(Self.key(left, right))
        keys[slot] = Self.key(left, right)
        values[slot] = value
    }
}

/// A binary heap that gives the least item first.
struct LeastHeap<Item: Comparable> {
    private var items: [Item] = []

    mutating func insert(_ item: Item) {
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

    mutating func popLeast() -> Item? {
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
