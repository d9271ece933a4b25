import PrismTensor

/// Computes a · bᵀ in tiles and hands each tile's rows on; the whole product never exists.
///
/// Tiles have fixed sizes and a row's tiles come in order, so results do not depend on the number of threads.
/// - a: [rows, width], b: [columns, width]
/// - start: makes the state of a row's reduction.
/// - take: `(state, part of the row, column the part begins at)`
/// - Returns: each row's state.
func reduceProducts<State>(
    _ a: Tensor, _ b: Tensor, workers: Workers, start: () -> State,
    take: (inout State, UnsafeBufferPointer<Float>, Int) -> Void
) -> [State] {
    let M = 128
    let N = 1024  // a tile of 512 KiB stays in the second-level cache
    precondition(b.rowWidth == a.rowWidth, "rows of \(a.rowWidth) and \(b.rowWidth) numbers have no product")
    var states = (0..<a.rowCount).map { _ in start() }
    guard a.rowCount > 0, b.rowCount > 0 else { return states }
    let backend = CPUBackend()
    let tiles = (0..<workers.count).map { _ in Tensor(M * N) }
    states.withUnsafeMutableBufferPointer { states in
        // Each block writes the states of its own rows only.
        nonisolated(unsafe) let states = states
        workers.forEachRange(a.rowCount, by: M) { worker, rows in
            for first in stride(from: 0, to: b.rowCount, by: N) {
                let columns = min(N, b.rowCount - first)
                let tile = tiles[worker].rows(0..<rows.count * columns).reshaped(rows.count, columns)
                backend.multiply(a.rows(rows), by: b.rows(first..<first + columns), transposed: true, into: tile)
                for row in rows {
                    let part = UnsafeBufferPointer(start: tile[row - rows.lowerBound], count: columns)
                    take(&states[row], part, first)
                }
            }
        }
    }
    return states
}
