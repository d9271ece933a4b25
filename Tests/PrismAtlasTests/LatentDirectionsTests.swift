import PrismAtlas
import PrismCore
import PrismTensor
import Testing

/// Neighbours and logit effects against loops that say what they mean.
@Suite struct LatentDirectionsTests {
    static func random(_ shape: Int..., seed: UInt64 = 3) -> Tensor {
        var generator = SeededGenerator(seed: seed, stream: "directions")
        let count = shape.reduce(1, *)
        return Tensor(shape: shape, (0..<count).map { _ in generator.uniform() - 0.5 })
    }

    static func dot(_ a: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>, _ d: Int) -> Double {
        (0..<d).reduce(0.0) { $0 + Double(a[$1]) * Double(b[$1]) }
    }

    @Test(arguments: [(0, 4), (1, 3), (2, 1), (131, 17), (1301, 5)], [1, 3])
    func neighboursEqualNaive(shape: (latents: Int, width: Int), threads: Int) {
        let decoder = Self.random(shape.latents, shape.width)
        if shape.latents > 10 { decoder.rows(7..<8).fill(0) }
        let found = nearestLatents(decoder: decoder, count: 4, workers: Workers(count: threads))
        let norms = (0..<decoder.rowCount).map(decoder.norm(ofRow:))
        #expect(found.count == shape.latents)
        for latent in stride(from: 0, to: shape.latents, by: shape.latents > 1000 ? 13 : 1) {
            let cosines: [Double?] = (0..<shape.latents).map { other in
                guard other != latent, norms[latent] > 0, norms[other] > 0 else { return nil }
                return Self.dot(decoder[latent], decoder[other], shape.width) / Double(norms[latent])
                    / Double(norms[other])
            }
            let expected = cosines.compactMap { $0 }.sorted(by: >).prefix(4)
            #expect(found[latent].count == expected.count)
            for (neighbour, cosine) in zip(found[latent], expected) {
                #expect(abs(Double(neighbour.cosine) - cosine) < 1e-5)
                #expect(abs(cosines[neighbour.latent]! - cosine) < 1e-5)
            }
        }
    }

    @Test(arguments: [(1, 1, 1), (3, 2, 5), (130, 1500, 7), (5, 2049, 33)], [1, 2])
    func logitEffectsEqualNaive(shape: (latents: Int, vocabulary: Int, width: Int), threads: Int) {
        let (F, V, d) = shape
        let (decoder, unembedding) = (Self.random(F, d), Self.random(V, d, seed: 4))
        let weight = Self.random(d, seed: 5).values
        let found = logitEffects(
            decoder: decoder, unembedding: unembedding, finalNormWeight: weight, count: 6,
            workers: Workers(count: threads))
        for latent in 0..<F {
            let logits = (0..<V).map { token in
                (0..<d).reduce(0.0) {
                    $0 + Double(decoder[latent][$1]) * Double(weight[$1]) * Double(unembedding[token][$1])
                }
            }
            let mean = logits.reduce(0, +) / Double(V)
            let sorted = logits.map { $0 - mean }.sorted()
            #expect(found[latent].promoted.count == min(6, V))
            for (effect, value) in zip(found[latent].promoted, sorted.reversed()) {
                #expect(abs(Double(effect.value) - value) < 1e-5)
                #expect(abs(logits[Int(effect.token)] - mean - value) < 1e-5)
            }
            for (effect, value) in zip(found[latent].suppressed, sorted) {
                #expect(abs(Double(effect.value) - value) < 1e-5)
            }
        }
    }

    @Test func silentRowsHaveNoEffects() {
        let decoder = Self.random(3, 4)
        decoder.rows(1..<2).fill(0)
        let found = logitEffects(decoder: decoder, unembedding: Self.random(9, 4), finalNormWeight: nil, count: 2)
        #expect(found.map(\.promoted.count) == [2, 0, 2] && found.map(\.suppressed.count) == [2, 0, 2])
    }

    @Test func threadsDoNotChangeResults() {
        let decoder = Self.random(700, 24)
        #expect(
            nearestLatents(decoder: decoder, count: 8, workers: Workers(count: 1))
                == nearestLatents(decoder: decoder, count: 8, workers: Workers(count: 3)))
    }
}
