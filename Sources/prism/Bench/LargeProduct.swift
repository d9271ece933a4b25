import CPrismBLAS
import PrismCore
import PrismTensor

/// One large matrix product at a precision, the hardware's own pace.
struct LargeProduct {
    let precision: Precision
    let workers: Workers
    private let rows = 2048, inputs = 1536, outputs = 1536
    private let x, weight, out: Tensor
    private let packed: LinearWeight
    private let backend = CPUBackend()

    init(precision: Precision, workers: Workers) {
        self.precision = precision
        self.workers = workers
        (x, weight, out) = (Tensor(rows, inputs), Tensor(outputs, inputs), Tensor(rows, outputs))
        var generator = SeededGenerator(seed: 0, stream: "product")
        for tensor in [x, weight] { for i in 0..<tensor.count { tensor.data[i] = generator.normal() } }
        packed = backend.prepare(weight, precision: precision)
    }

    /// Floating-point operations a second.
    func rate() -> Double {
        openblas_set_num_threads(Int32(workers.count))
        // Elsewhere the library works on one thread: Prism's own threads are around it.
        defer { openblas_set_num_threads(1) }
        let library = seconds {
            cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasTrans, Int32(rows), Int32(outputs), Int32(inputs), 1, x.data,
                Int32(inputs), weight.data, Int32(inputs), 0, out.data, Int32(outputs))
        }
        let own =
            precision == .fp32
            ? library
            : seconds {
                workers.forEachRange(rows, by: 128) { _, range in
                    backend.linear(x.rows(range), packed, into: out.rows(range))
                }
            }
        return 2 * Double(rows * inputs * outputs) / min(library, own)
    }
}
