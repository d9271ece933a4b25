import PrismDictionaries
import PrismTensor

/// Codes of some vectors, or responses of any units, both vector by vector and latent by latent: of each latent the rows where
/// it is active, ascending, and its activations there. What is summed of a latent then belongs to one thread, in the order of the rows.
struct LatentColumns {
    let codes: SparseCodes
    /// A latent's entries are `starts[latent]..<starts[latent + 1]`.
    private let starts: [Int]
    private let rows: [Int32]
    private let values: [Float]

    /// - x: activations, [rows, width].
    init(_ dictionary: SparseDictionary, _ x: Tensor, workers: Workers) {
        self.init(dictionary.encode(x, workers: workers), latents: dictionary.latentCount)
    }

    init(_ codes: SparseCodes, latents: Int) {
        var starts = [Int](repeating: 0, count: latents + 1)
        codes.forEachActive { _, latent, _ in starts[latent + 1] += 1 }
        for latent in 0..<latents { starts[latent + 1] += starts[latent] }
        var next = starts
        var rows = [Int32](repeating: 0, count: starts[latents])
        var values = [Float](repeating: 0, count: starts[latents])
        codes.forEachActive { row, latent, value in
            rows[next[latent]] = Int32(row)
            values[next[latent]] = value
            next[latent] += 1
        }
        (self.codes, self.starts, self.rows, self.values) = (codes, starts, rows, values)
    }

    var latentCount: Int { starts.count - 1 }

    /// Calls `body(rows, activations)` with a latent's entries, if it has any.
    @inline(__always)
    func withColumn(_ latent: Int, _ body: (UnsafeBufferPointer<Int32>, UnsafeBufferPointer<Float>) -> Void) {
        let range = starts[latent]..<starts[latent + 1]
        guard !range.isEmpty else { return }
        rows.withUnsafeBufferPointer { rows in
            values.withUnsafeBufferPointer {
                body(UnsafeBufferPointer(rebasing: rows[range]), UnsafeBufferPointer(rebasing: $0[range]))
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
