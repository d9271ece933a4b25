import PrismActivations
import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor
import PrismTestSupport

/// Vectors with a mean far from zero, so that a centred and an uncentred definition cannot be confused.
func randomVectors(_ rows: Int, _ width: Int, _ generator: inout SeededGenerator) -> Tensor {
    let result = Tensor(rows, width)
    for t in 0..<rows { for c in 0..<width { result[t][c] = generator.normal() + Float(c % 3) } }
    return result
}

/// A dictionary of random directions.
func randomDictionary(latents: Int, width: Int, k: Int, _ generator: inout SeededGenerator) -> SparseDictionary {
    func random(_ shape: Int..., scale: Float) -> Tensor {
        let result = Tensor(shape: shape)
        for i in 0..<result.count { result.data[i] = scale * generator.normal() }
        return result
    }
    return SparseDictionary(
        encoder: random(latents, width, scale: 0.5), encoderBias: random(latents, scale: 0.2),
        decoder: random(latents, width, scale: 0.5), decoderBias: random(width, scale: 1), activation: .topK(k))
}

/// x̂ = x: a latent for the positive and one for the negative part of each dimension, with room for all that are active.
func identityDictionary(width: Int) -> SparseDictionary {
    let weight = Tensor(2 * width, width)
    for c in 0..<width { (weight[c][c], weight[width + c][c]) = (1, -1) }
    return SparseDictionary(
        encoder: weight, encoderBias: Tensor(2 * width), decoder: weight.copy(), decoderBias: Tensor(width),
        activation: .topK(width))
}

/// x̂ = `value` whatever x is.
func constantDictionary(_ value: [Float]) -> SparseDictionary {
    SparseDictionary(
        encoder: Tensor(4, value.count), encoderBias: Tensor(4), decoder: Tensor(4, value.count),
        decoderBias: Tensor(shape: [value.count], value), activation: .topK(2))
}

/// The tiny random model, with contexts of random tokens whose first position is not used.
enum Tiny {
    static func model() throws -> Transformer {
        try Transformer(loading: golden("PrismModelsTests", "tiny-llama"), backend: CPUBackend())
    }

    static func contexts(_ count: Int, seed: UInt64 = 3) -> [TokenContext] {
        var generator = SeededGenerator(seed: seed, stream: "contexts")
        return (0..<count).map { number in
            let tokens = (0..<(10 + number % 7)).map { _ in Int32.random(in: 0..<64, using: &generator) }
            // The second position of every third context is left out as well.
            let positions = (1..<tokens.count).filter { $0 != 2 || number % 3 != 0 }
            return TokenContext(tokens: tokens, document: 0, positions: positions.map(Int32.init))
        }
    }
}
