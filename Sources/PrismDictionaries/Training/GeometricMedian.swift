import PrismTensor

/// The point whose summed distance to all rows is smallest, by Weiszfeld's iteration m ← Σ xₜ/‖xₜ−m‖ / Σ 1/‖xₜ−m‖
/// (Weiszfeld 1937), from the mean, until it moves by less than a millionth of the mean distance, at most 100 times.
/// - x: [rows, width], at least one row. median: [width].
package func geometricMedian(of x: Tensor, workers: Workers, into median: Tensor) {
    let (rows, width, blockRows) = (x.rowCount, x.rowWidth, 256)
    let blocks = (rows + blockRows - 1) / blockRows
    let partial = Tensor(blocks, width)
    var centre = [Double](repeating: 0, count: width)
    var weights = [Float](repeating: 1, count: rows)
    for _ in 0...100 {
        weights.withUnsafeBufferPointer { weights in
            nonisolated(unsafe) let weights = weights
            workers.forEachRange(rows, by: blockRows) { _, range in
                let sum = partial[range.lowerBound / blockRows]
                sum.update(repeating: 0, count: width)
                for t in range { for c in 0..<width { sum[c] += weights[t] * x[t][c] } }
            }
        }
        let total = weights.reduce(0.0) { $0 + Double($1) }
        var moved = 0.0
        for c in 0..<width {
            let next = (0..<blocks).reduce(0.0) { $0 + Double(partial[$1][c]) } / total
            moved += (next - centre[c]) * (next - centre[c])
            centre[c] = next
            median.data[c] = Float(next)
        }
        weights.withUnsafeMutableBufferPointer { weights in
            nonisolated(unsafe) let weights = weights
            workers.forEachRange(rows, by: blockRows) { _, range in
                for t in range {
                    var square: Float = 0
                    for c in 0..<width { square += (x[t][c] - median.data[c]) * (x[t][c] - median.data[c]) }
                    weights[t] = 1 / max(square.squareRoot(), 1e-12)
                }
            }
        }
        let meanDistance = weights.reduce(0.0) { $0 + 1 / Double($1) } / Double(rows)
        if moved.squareRoot() <= 1e-6 * meanDistance { return }
    }
}
