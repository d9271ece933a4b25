import PrismCore
import PrismTensor

/// Rows of standard normal numbers.
func normalRows(_ rows: Int, _ width: Int, seed: UInt64) -> Tensor {
    var generator = SeededGenerator(seed: seed, stream: "normal rows")
    let tensor = Tensor(rows, width)
    for i in 0..<tensor.count { tensor.data[i] = generator.normal() }
    return tensor
}

/// Rows that are zero but for some numbers.
func sparseRows(_ rows: [[Int: Float]], width: Int) -> Tensor {
    let tensor = Tensor(rows.count, width)
    for (t, row) in rows.enumerated() { for (c, value) in row { tensor[t][c] = value } }
    return tensor
}
