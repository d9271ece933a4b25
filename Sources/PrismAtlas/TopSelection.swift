/// The largest of a stream of numbers, each with its index; of equal ones those that came first.
struct TopSelection {
    let capacity: Int
    /// Largest first.
    private(set) var indices: [Int32] = []
    private(set) var values: [Float] = []
    /// What a number must exceed to enter.
    private(set) var threshold = -Float.infinity

    init(capacity: Int) {
        self.capacity = capacity
        if capacity == 0 { threshold = .infinity }
    }

    mutating func insert(_ value: Float, at index: Int32) {
        guard value > threshold else { return }
        var place = values.count
        while place > 0, values[place - 1] < value { place -= 1 }
        values.insert(value, at: place)
        indices.insert(index, at: place)
        if values.count > capacity {
            values.removeLast()
            indices.removeLast()
        }
        if values.count == capacity { threshold = values[capacity - 1] }
    }

    /// Offers `scale` · each number of a row, of which the first has the index `first`.
    mutating func insert(_ row: UnsafeBufferPointer<Float>, first: Int, scale: Float = 1) {
        var start = 0
        while start < row.count {
            let end = min(start + 64, row.count)
            // Nearly every chunk is turned down by its maximum alone, and a maximum vectorises.
            var best = -Float.infinity
            for index in start..<end {
                let value = row[index] * scale
                best = value > best ? value : best
            }
            if best > threshold {
                for index in start..<end { insert(row[index] * scale, at: Int32(first + index)) }
            }
            start = end
        }
    }
}
