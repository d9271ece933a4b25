import PrismTensor

/// Codes turned round: for each latent the rows in which it is active, ascending. A gradient reads it so that each
/// latent's weights are loaded once, and so that its sum has one order whatever the threads.
final class LatentIndex {
    private var starts: [Int]
    private let memory: Memory
    private let rows, slots: UnsafeMutablePointer<Int32>

    init(latents: Int, entries: Int) {
        starts = Array(repeating: 0, count: latents + 1)
        memory = Memory(byteCount: 2 * entries * MemoryLayout<Int32>.stride)
        rows = memory.start.assumingMemoryBound(to: Int32.self)
        slots = rows + entries
    }

    func build(from codes: SparseCodes) {
        for i in starts.indices { starts[i] = 0 }
        forEachEntry(codes) { latent, _, _ in starts[latent + 1] += 1 }
        for i in 1..<starts.count { starts[i] += starts[i - 1] }
        var next = starts
        forEachEntry(codes) { latent, row, slot in
            let place = next[latent]
            next[latent] += 1
            rows[place] = Int32(row)
            slots[place] = Int32(slot)
        }
    }

    private func forEachEntry(_ codes: SparseCodes, _ body: (_ latent: Int, _ row: Int, _ slot: Int) -> Void) {
        for row in 0..<codes.rowCount {
            for slot in row * codes.slots..<row * codes.slots + Int(codes.counts[row]) {
                body(Int(codes.indices[slot]), row, slot)
            }
        }
    }

    /// The rows in which a latent is active and the places of its values in the codes.
    func entries(of latent: Int) -> (rows: UnsafeBufferPointer<Int32>, slots: UnsafeBufferPointer<Int32>) {
        let (first, count) = (starts[latent], starts[latent + 1] - starts[latent])
        return (
            UnsafeBufferPointer(start: rows + first, count: count),
            UnsafeBufferPointer(start: slots + first, count: count)
        )
    }

    /// Those of some rows.
    func entries(of latent: Int, in part: Range<Int>) -> (
        rows: UnsafeBufferPointer<Int32>, slots: UnsafeBufferPointer<Int32>
    ) {
        let all = entries(of: latent)
        func place(of row: Int) -> Int {
            var (low, high) = (0, all.rows.count)
            while low < high {
                let middle = (low + high) / 2
                if all.rows[middle] < row { low = middle + 1 } else { high = middle }
            }
            return low
        }
        let range = place(of: part.lowerBound)..<place(of: part.upperBound)
        return (UnsafeBufferPointer(rebasing: all.rows[range]), UnsafeBufferPointer(rebasing: all.slots[range]))
    }
}
