import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// Vectors from a file instead of a model: embeddings, another framework's activations, a stored harvest. Rows come in a
/// random order that the seed fixes.
public struct MatrixActivations: ActivationSource {
    public let matrix: Tensor
    private let order: [Int32]

    /// - rows: which rows of the matrix belong to this source. limit: the most of them to take, an even sample.
    public init(_ matrix: Tensor, rows: some Sequence<Int>, limit: Int = .max, seed: UInt64) {
        self.matrix = matrix
        var generator = SeededGenerator(seed: seed, stream: "rows")
        order = Array(rows.map(Int32.init).shuffled(using: &generator).prefix(limit))
    }

    public var widths: [Int] { [matrix.rowWidth] }
    public var vectorCount: Int { order.count }

    public func read(_ range: Range<Int>, into out: Tensor, workers: Workers, progress: (Int) throws -> Void) throws {
        precondition(out.shape == [range.count, width])
        for (i, row) in order[range].enumerated() { out[i].update(from: matrix[Int(row)], count: width) }
        try progress(range.count)
    }
}
