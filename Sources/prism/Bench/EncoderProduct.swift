import CPrismBLAS
import PrismCore
import PrismTensor

/// The floor of a dictionary's speed: its encoder's product with a batch, by the BLAS library in fp32.
struct EncoderProduct {
    private let weight, out: Tensor
    private let workers: Workers

    /// - weight: [latents, width].
    init(_ batch: Int, _ weight: Tensor, _ workers: Workers) {
        self.weight = weight
        self.workers = workers
        out = Tensor(batch, weight.rowCount)
    }

    /// What one product takes.
    func seconds(of x: Tensor) -> Double {
        openblas_set_num_threads(Int32(workers.count))
        defer { openblas_set_num_threads(1) }  // as Prism's own products have it
        return prism.seconds {
            cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasTrans, Int32(x.rowCount), Int32(weight.rowCount), Int32(x.rowWidth),
                1,
                x.data, Int32(x.rowWidth), weight.data, Int32(x.rowWidth), 0, out.data, Int32(weight.rowCount))
        }
    }
}

/// Vectors to train on or encode: sparse sums of 4096 random directions with a little noise, [rows, width].
func sparseVectors(_ rows: Int, _ width: Int, seed: UInt64) -> Tensor {
    let directions = 4096
    var generator = SeededGenerator(seed: 1, stream: "directions")
    let dictionary = Tensor(directions, width)
    for i in 0..<dictionary.count { dictionary.data[i] = generator.normal() }
    generator = SeededGenerator(seed: seed, stream: "vectors")
    let result = Tensor(rows, width)
    for t in 0..<rows {
        for c in 0..<width { result[t][c] = 0.3 * generator.normal() }
        for _ in 0..<16 {
            let (direction, size) = (Int.random(in: 0..<directions, using: &generator), generator.uniform())
            for c in 0..<width { result[t][c] += size * dictionary[direction][c] }
        }
    }
    return result
}
