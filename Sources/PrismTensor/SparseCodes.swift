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

    public init(rowCount: Int, slots: Int) {
        self.rowCount = rowCount
        self.slots = slots
        let memories = [rowCount, rowCount * slots, rowCount * slots].map { Memory(byteCount: 4 * $0) }
        counts = memories[0].start.assumingMemoryBound(to: Int32.self)
        indices = memories[1].start.assumingMemoryBound(to: Int32.self)
        values = memories[2].start.assumingMemoryBound(to: Float.self)
        owners = memories
    }

    private init(_ whole: SparseCodes, from row: Int, count: Int) {
        rowCount = count
        slots = whole.slots
        counts = whole.counts + row
        indices = whole.indices + row * whole.slots
        values = whole.values + row * whole.slots
        owners = whole.owners
    }

    /// A view of some rows, sharing the memory.
    public func rows(_ range: Range<Int>) -> SparseCodes {
        precondition(range.lowerBound >= 0 && range.upperBound <= rowCount, "rows \(range) of \(rowCount)")
        return SparseCodes(self, from: range.lowerBound, count: range.count)
    }

    /// The active latents of a row, ascending by number.
    public subscript(row: Int) -> [(latent: Int, value: Float)] {
        (row * slots..<row * slots + Int(counts[row])).map { (Int(indices[$0]), values[$0]) }
    }
}
