import PrismCore
import PrismTensor

@testable import PrismLab

/// Embeddings with a geometry that is known.
enum Embeddings {
    static func random(features: Int, hidden: Int, seed: UInt64 = 1) -> DoubleMatrix {
        var generator = SeededGenerator(seed: seed, stream: "embeddings")
        var result = DoubleMatrix(features, hidden)
        for i in result.values.indices { result.values[i] = Double(generator.normal()) }
        return result
    }

    /// The polytope in a space of `hidden` dimensions, turned at random, its features in random order, with noise.
    static func planted(
        _ polytope: Polytope, hidden: Int, scale: Double = 1, noise: Double = 0, seed: UInt64 = 1
    ) -> DoubleMatrix {
        let vertices = polytope.vertices
        var generator = SeededGenerator(seed: seed, stream: "order")
        var padded = DoubleMatrix(vertices.rowCount, hidden)
        for (to, from) in Array(0..<vertices.rowCount).shuffled(using: &generator).enumerated() {
            for c in 0..<vertices.columnCount { padded[to, c] = scale * vertices[from, c] }
        }
        // The eigenvectors of a random symmetric matrix are a random rotation.
        let random = random(features: hidden, hidden: hidden, seed: seed)
        let rotation = random.times(random, transposingSelf: true).symmetricEigen().vectors
        var result = padded.times(rotation)
        for i in result.values.indices { result.values[i] += noise * Double(generator.normal()) }
        return result
    }
}
