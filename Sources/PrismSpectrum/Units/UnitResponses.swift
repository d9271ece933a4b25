import PrismDictionaries
import PrismTensor

/// What units respond to some vectors, unit by unit: of each unit the rows where it is active, ascending, and its responses
/// there. What is summed of a unit then belongs to one thread, in the order of the rows.
struct UnitResponses {
    let rowCount: Int
    private let storage: Storage

    private enum Storage {
        /// The same vector by vector, and of each unit its entries `starts[unit]..<starts[unit + 1]`.
        case sparse(SparseCodes, starts: [Int], rows: [Int32], values: [Float])
        /// Of units that respond to every vector, [units, rows], and the numbers of all rows.
        case dense(Tensor, rows: [Int32])
    }

    /// - x: activations, [rows, width].
    init(_ dictionary: SparseDictionary, _ x: Tensor, workers: Workers) {
        self.init(dictionary.encode(x, workers: workers), units: dictionary.latentCount)
    }

    init(_ codes: SparseCodes, units: Int) {
        var starts = [Int](repeating: 0, count: units + 1)
        codes.forEachActive { _, unit, _ in starts[unit + 1] += 1 }
        for unit in 0..<units { starts[unit + 1] += starts[unit] }
        var next = starts
        var rows = [Int32](repeating: 0, count: starts[units])
        var values = [Float](repeating: 0, count: starts[units])
        codes.forEachActive { row, unit, value in
            rows[next[unit]] = Int32(row)
            values[next[unit]] = value
            next[unit] += 1
        }
        rowCount = codes.rowCount
        storage = .sparse(codes, starts: starts, rows: rows, values: values)
    }

    /// - dense: [units, rows].
    init(dense: Tensor) {
        rowCount = dense.rowWidth
        storage = .dense(dense, rows: (0..<Int32(dense.rowWidth)).map(\.self))
    }

    var unitCount: Int {
        switch storage {
        case .sparse(_, let starts, _, _): starts.count - 1
        case .dense(let values, _): values.rowCount
        }
    }

    /// [units, rows] of units that respond to every vector; nil of others.
    var dense: Tensor? {
        if case .dense(let values, _) = storage { values } else { nil }
    }

    /// Vector by vector. - precondition: units are not dense.
    var codes: SparseCodes {
        guard case .sparse(let codes, _, _, _) = storage else { preconditionFailure("dense units have no codes") }
        return codes
    }

    /// Calls `body(rows, responses)` with a unit's entries, if it has any.
    @inline(__always)
    func withColumn(_ unit: Int, _ body: (UnsafeBufferPointer<Int32>, UnsafeBufferPointer<Float>) -> Void) {
        switch storage {
        case .sparse(_, let starts, let rows, let values):
            let range = starts[unit]..<starts[unit + 1]
            guard !range.isEmpty else { return }
            rows.withUnsafeBufferPointer { rows in
                values.withUnsafeBufferPointer {
                    body(UnsafeBufferPointer(rebasing: rows[range]), UnsafeBufferPointer(rebasing: $0[range]))
                }
            }
        case .dense(let values, let rows):
            rows.withUnsafeBufferPointer {
                body($0, UnsafeBufferPointer(start: values[unit], count: rowCount))
            }
        }
    }
}

extension SparseCodes {
    /// Calls `body(latent, activation)` for the latents that are active in a row: those above zero, as everywhere in the
    /// spectrum.
    @inline(__always)
    func forEachActive(row: Int, _ body: (_ latent: Int, _ value: Float) -> Void) {
        for slot in row * slots..<row * slots + Int(counts[row]) where values[slot] > 0 {
            body(Int(indices[slot]), values[slot])
        }
    }

    @inline(__always)
    func forEachActive(_ body: (_ row: Int, _ latent: Int, _ value: Float) -> Void) {
        for row in 0..<rowCount { forEachActive(row: row) { body(row, $0, $1) } }
    }
}
