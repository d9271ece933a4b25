import PrismCausal
import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor

/// An MLP that computes twelve XORs with nine pairs of neurons: a ⊕ b = (a + b) − 2 ReLU(a + b − 1).
///
/// Each sum is held by three neurons, and so is each ReLU(a + b − 1); any two share at most one neuron: they are the lines of
/// the affine plane of order 3. A token carries one pair (a, b). So a neuron serves four XORs, and the truth is known:
/// 24 features in 18 neurons, which `features` reads exactly.
enum PlantedXOR {
    static let (pairs, points) = (12, 9)

    /// Three points each: directions (0, 1), (1, 0), (1, 1), (1, 2) of the plane, three parallels of each.
    static let lines: [[Int]] = [(0, 1), (1, 0), (1, 1), (1, 2)].flatMap { dx, dy in
        (0..<3).map { offset in
            let (x, y) = dx == 0 ? (offset, 0) : (0, offset)
            return (0..<3).map { step in (x + step * dx) % 3 * 3 + (y + step * dy) % 3 }
        }
    }

    private static let weights: HandWeights = {
        var weights = HandWeights(
            subspaces: ["a": pairs, "b": pairs, "xor": pairs], vocabulary: 4 * pairs, positions: 4, layers: 1,
            neurons: 2 * points)
        for pair in 0..<pairs {
            for token in 0..<4 {
                for (bit, name) in ["a", "b"].enumerated() where token >> bit & 1 == 1 {
                    weights.add(1, .embedding, row: 4 * pair + token, column: weights.column(name, pair))
                }
            }
            for point in lines[pair] {
                for half in 0...1 {
                    for name in ["a", "b"] {
                        weights.add(
                            1, .up, layer: 0, row: half * points + point, column: weights.column(name, pair))
                    }
                    weights.add(
                        half == 0 ? 1 / 3 : -2 / 3, .down, layer: 0, row: weights.column("xor", pair),
                        column: half * points + point)
                }
            }
            // The token (1, 0) is the answer “they differ”.
            weights.add(1, .unembedding, row: 4 * pair + 1, column: weights.column("xor", pair))
        }
        for point in 0..<points { weights.add(-1, .up, layer: 0, bias: true, row: points + point) }
        return weights
    }()

    static let model = weights.model

    /// The true features of the neurons: latent p is pair p's a + b, 12 + p its ReLU(a + b − 1). A feature reads at most ⅔ of
    /// another on its line; the threshold is above.
    static let features: PlacedDictionary = {
        let (encoder, decoder) = (Tensor(2 * pairs, 2 * points), Tensor(2 * pairs, 2 * points))
        let thresholds = Tensor(2 * pairs)
        thresholds.fill(0.9)
        for latent in 0..<2 * pairs {
            for point in lines[latent % pairs] {
                let neuron = latent / pairs * points + point
                (encoder[latent][neuron], decoder[latent][neuron]) = (1 / 3, 1)
            }
        }
        let dictionary = SparseDictionary(
            encoder: encoder, encoderBias: Tensor(2 * pairs), decoder: decoder, decoderBias: Tensor(2 * points),
            activation: .jumpReLU(thresholds: thresholds))
        let hook = HookPoint.neurons(layer: 0)
        return try! PlacedDictionary(name: "sums", dictionary, reads: hook, writes: hook)
    }()

    /// What tokens say, what neurons hold, what the MLP writes.
    static let places = [
        weights.dictionary(at: .embedding, "a", "b"), features, weights.dictionary(at: .mlpOut(layer: 0), "xor"),
    ]

    static func token(_ pair: Int, _ a: Int, _ b: Int) -> Int32 { Int32(4 * pair + a + 2 * b) }
}

extension PlantedXOR {
    /// The same pair of bits, (1, 0) and (1, 1): what differs is b, so what is the answer.
    static func pair(_ pair: Int) throws -> PromptPair {
        try PromptPair(
            clean: [token(pair, 1, 0)], corrupt: [token(pair, 1, 1)], answers: [token(pair, 1, 0)],
            foils: [token(pair, 0, 0)])
    }
}
