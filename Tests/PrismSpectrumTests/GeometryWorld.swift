import PrismCore
import PrismDictionaries
import PrismTensor

@testable import PrismSpectrum

/// Vectors, and dictionaries whose every latent is planted.
enum GeometryWorld {
    /// z = max(0, direction · x − threshold), directions for decoder rows.
    static func dictionary(_ directions: [[Float]], thresholds: [Float]? = nil) -> SparseDictionary {
        let width = directions[0].count
        let rows = Tensor(shape: [directions.count, width], directions.flatMap(\.self))
        let bias = thresholds?.map { -$0 } ?? Array(repeating: -0.3, count: directions.count)
        return SparseDictionary(
            encoder: rows, encoderBias: Tensor(shape: [directions.count], bias), decoder: rows,
            decoderBias: Tensor(width), activation: .relu, centresInput: false)
    }

    static func axis(_ number: Int, width: Int) -> [Float] { (0..<width).map { $0 == number ? 1 : 0 } }

    static func unit(_ vector: [Float]) -> [Float] {
        let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return vector.map { $0 / norm }
    }

    static func random(_ width: Int, _ generator: inout SeededGenerator) -> [Float] {
        unit((0..<width).map { _ in generator.normal() })
    }

    /// Contexts of vectors whose first `active` coordinates are on one time in five, between 1 and 2, and the others zero.
    static func features(_ count: Int, active: Int, width: Int, seed: UInt64) -> [LabelledVectors] {
        var generator = SeededGenerator(seed: seed, stream: "test")
        return contexts(count, width: width) {
            $0 < active && generator.uniform() < 0.2 ? 1 + generator.uniform() : 0
        }
    }

    /// Contexts of vectors of normal numbers.
    static func noise(_ count: Int, width: Int, seed: UInt64) -> [LabelledVectors] {
        var generator = SeededGenerator(seed: seed, stream: "test")
        return contexts(count, width: width) { _ in generator.normal() }
    }

    /// Contexts of 50 vectors, the last of fewer.
    private static func contexts(_ count: Int, width: Int, _ number: (Int) -> Float) -> [LabelledVectors] {
        stride(from: 0, to: count, by: 50).map { start in
            let x = Tensor(min(50, count - start), width)
            for t in 0..<x.rowCount { for c in 0..<width { x[t][c] = number(c) } }
            return LabelledVectors(
                x: x, scores: Tensor(x.rowCount, 1), context: start / 50, positions: (0..<Int32(x.rowCount)).map { $0 })
        }
    }

    /// Adds the contexts in chunks of several sizes.
    static func geometry(
        _ dictionary: SparseDictionary, _ contexts: [LabelledVectors], compared: SparseDictionary? = nil,
        sharesSpace: Bool = true, workers: Workers = Workers(count: 2)
    ) throws -> LatentGeometry {
        let mean = Tensor(joining: contexts.prefix(2).map(\.x)).columnMeans
        let builder = try GeometryBuilder(
            dictionary, mean: mean,
            compared: compared.map { ComparedDictionary(name: "other", $0, sharesSpace: sharesSpace) },
            workers: workers)
        var rest = contexts[...]
        for size in [1, 3, contexts.count] {
            builder.add(Array(rest.prefix(size)), workers: workers)
            rest = rest.dropFirst(size)
        }
        return builder.finish(seed: 0, workers: workers)
    }

    /// All activations, [vectors][latents].
    static func activations(_ dictionary: SparseDictionary, _ contexts: [LabelledVectors]) -> [[Double]] {
        contexts.flatMap { context in
            let codes = dictionary.encode(context.x)
            return (0..<codes.rowCount).map { t in
                var row = [Double](repeating: 0, count: dictionary.latentCount)
                for (latent, value) in codes[t] { row[latent] = Double(value) }
                return row
            }
        }
    }
}
