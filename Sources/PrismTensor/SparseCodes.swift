import Foundation

/// Latent activations of a batch, only those that are not zero.
///
/// Row `r` has `counts[r]` active latents in the slots `r * slots ..< r * slots + counts[r]`: their numbers in
/// `indices`, ascending, and their values in `values`. All memory is allocated once and reused batch after batch.
public struct SparseCodes: @unchecked Sendable {
    /// Rows there is room for.
    public let rowCount: Int
    /// The most latents that one row can hold.
    public let slots: Int
    public let counts: UnsafeMutablePointer<Int32>
    public let indices: UnsafeMutablePointer<Int32>
    public let values: UnsafeMutablePointer<Float>
    private let owners: [AnyObject]
    /// Entries there is memory for.
    private let capacity: Int

    public init(rowCount: Int, slots: Int) {
        self.rowCount = rowCount
        self.slots = slots
        let memories = [rowCount, rowCount * slots, rowCount * slots].map { Memory(byteCount: 4 * $0) }
        counts = memories[0].start.assumingMemoryBound(to: Int32.self)
        indices = memories[1].start.assumingMemoryBound(to: Int32.self)
        values = memories[2].start.assumingMemoryBound(to: Float.self)
        owners = memories
        capacity = rowCount * slots
    }

    /// The active latents of each row, ascending by number.
    package init(_ rows: [[(latent: Int, value: Float)]]) {
        self.init(rowCount: rows.count, slots: max(1, rows.map(\.count).max() ?? 0))
        for (t, row) in rows.enumerated() {
            counts[t] = Int32(row.count)
            for (place, (latent, value)) in row.enumerated() {
                indices[t * slots + place] = Int32(latent)
                values[t * slots + place] = value
            }
        }
    }

    /// Codes of consecutive rows, copied one behind the other, with as many slots as the fullest row needs.
    package init(joining parts: [SparseCodes]) {
        self.init(
            rowCount: parts.reduce(0) { $0 + $1.rowCount }, slots: max(1, parts.map(\.fullestRow).max() ?? 0))
        var row = 0
        for part in parts {
            for t in 0..<part.rowCount {
                let count = Int(part.counts[t])
                counts[row] = part.counts[t]
                (indices + row * slots).update(from: part.indices + t * part.slots, count: count)
                (values + row * slots).update(from: part.values + t * part.slots, count: count)
                row += 1
            }
        }
    }

    private init(_ whole: SparseCodes, from row: Int, count: Int) {
        rowCount = count
        slots = whole.slots
        counts = whole.counts + row
        indices = whole.indices + row * whole.slots
        values = whole.values + row * whole.slots
        owners = whole.owners
        capacity = count * slots
    }

    /// The most latents that are active in one row.
    package var fullestRow: Int { (0..<rowCount).reduce(0) { max($0, Int(counts[$1])) } }

    /// A view of some rows, sharing the memory.
    public func rows(_ range: Range<Int>) -> SparseCodes {
        precondition(range.lowerBound >= 0 && range.upperBound <= rowCount, "rows \(range) of \(rowCount)")
        return SparseCodes(self, from: range.lowerBound, count: range.count)
    }

    /// The same memory for fewer or as many slots; what was in it is then without meaning.
    package func with(slots: Int) -> SparseCodes {
        slots == self.slots ? self : SparseCodes(rowCount: rowCount, slots: slots, over: self)
    }

    private init(rowCount: Int, slots: Int, over memory: SparseCodes) {
        precondition(rowCount * slots <= memory.capacity)
        self.rowCount = rowCount
        self.slots = slots
        counts = memory.counts
        indices = memory.indices
        values = memory.values
        owners = memory.owners
        capacity = memory.capacity
    }

    /// Active latents of all rows.
    package var entryCount: Int { (0..<rowCount).reduce(0) { $0 + Int(counts[$1]) } }

    /// Keeps the `count` largest of all rows' entries; ties go to the lower row, then to the lower latent.
    package func keepLargest(_ count: Int) {
        var sorted = [Float]()
        sorted.reserveCapacity(entryCount)
        for row in 0..<rowCount { for i in 0..<Int(counts[row]) { sorted.append(values[row * slots + i]) } }
        guard sorted.count > count else { return }
        let last = sorted.withUnsafeMutableBufferPointer { $0.largest(count) }
        var ties = count - sorted.count { $0 > last }
        for row in 0..<rowCount {
            var kept = row * slots
            for i in row * slots..<row * slots + Int(counts[row]) {
                if values[i] < last { continue }
                if values[i] == last {
                    if ties == 0 { continue }
                    ties -= 1
                }
                (indices[kept], values[kept]) = (indices[i], values[i])
                kept += 1
            }
            counts[row] = Int32(kept - row * slots)
        }
    }

    /// The active latents of a row, ascending by number.
    public subscript(row: Int) -> [(latent: Int, value: Float)] {
        (row * slots..<row * slots + Int(counts[row])).map { (Int(indices[$0]), values[$0]) }
    }
}

extension UnsafeMutableBufferPointer<Float> {
    /// The k-th largest number (Hoare's selection); reorders them.
    fileprivate func largest(_ k: Int) -> Float {
        var (low, high) = (0, count - 1)
        while low < high {
            let pivot = self[(low + high) / 2]
            var (i, j) = (low, high)
            while i <= j {
                while self[i] > pivot { i += 1 }
                while self[j] < pivot { j -= 1 }
                if i <= j {
                    swapAt(i, j)
                    i += 1
                    j -= 1
                }
            }
            if k - 1 <= j { high = j } else if k - 1 >= i { low = i } else { break }
        }
        return self[k - 1]
    }
}
