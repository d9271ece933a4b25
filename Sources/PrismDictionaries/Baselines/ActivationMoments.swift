import PrismActivations
import PrismCore
import PrismTensor

/// Mean and covariance of vectors that come block by block, so that they are never in memory together.
///
///     x̄ = s + Σ(x − s)/n        C = (Σ(x − s)(x − s)ᵀ − n (x̄ − s)(x̄ − s)ᵀ) / (n − 1)
///
/// s is the mean of the first block: sums about a point near the mean do not cancel.
package struct ActivationMoments {
    package private(set) var count = 0
    private let width: Int
    /// s, [width].
    private var shift: [Double] = []
    /// Σ(x − s), [width].
    private var sum: [Double]
    /// The upper triangle of Σ(x − s)(x − s)ᵀ, [width, width].
    private var products: DoubleMatrix

    package init(width: Int) {
        self.width = width
        sum = [Double](repeating: 0, count: width)
        products = DoubleMatrix(width, width)
    }

    /// Of all vectors of a source but for attention sinks.
    /// - progress: told how many vectors were just read.
    package init(
        of source: any ActivationSource, sinks: SinkFilter?, workers: Workers, progress: (Int) throws -> Void
    ) throws {
        self.init(width: source.width)
        let block = Tensor(min(2048, source.vectorCount), width)
        for start in stride(from: 0, to: source.vectorCount, by: 2048) {
            let range = start..<min(start + 2048, source.vectorCount)
            let rows = block.rows(0..<range.count)
            try source.read(range, into: rows, workers: workers, progress: progress)
            add(rows.keepingRows(without: sinks), workers: workers)
        }
        try requireVectors()
    }

    /// - Throws: `PrismError.badData` if there are too few vectors for a variance.
    func requireVectors() throws {
        guard count > 1 else {
            throw PrismError.badData(
                "\(count) vectors are left once the attention sinks are out, too few to fit a basis to; give more vectors"
            )
        }
    }

    /// - rows: [any, width].
    package mutating func add(_ rows: Tensor, workers: Workers) {
        guard rows.rowCount > 0 else { return }
        var centred = DoubleMatrix(rows)
        if shift.isEmpty {
            shift = (0..<width).map { c in
                (0..<rows.rowCount).reduce(0) { $0 + centred[$1, c] } / Double(rows.rowCount)
            }
        }
        for t in 0..<rows.rowCount {
            for c in 0..<width {
                centred[t, c] -= shift[c]
                sum[c] += centred[t, c]
            }
        }
        count += rows.rowCount
        products.addUpperGram(of: centred, workers: workers)
    }

    /// x̄, [width].
    package var mean: [Double] { (0..<width).map { shift[$0] + sum[$0] / Double(count) } }

    /// C, [width, width].
    package var covariance: DoubleMatrix {
        var result = products
        for i in 0..<width {
            for j in i..<width {
                let value = (products[i, j] - sum[i] * sum[j] / Double(count)) / Double(count - 1)
                (result[i, j], result[j, i]) = (value, value)
            }
        }
        return result
    }
}

extension Tensor {
    /// A copy of the rows that are no attention sinks.
    func keepingRows(without sinks: SinkFilter?) -> Tensor {
        gathered((0..<rowCount).filter { sinks?.contains(self[$0]) != true })
    }
}
