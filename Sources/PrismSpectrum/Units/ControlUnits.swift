import PrismCore
import PrismDictionaries
import PrismTensor

extension SparseDictionary {
    /// The same dictionary with the numbers of each encoder row in an order of chance: norms, biases and how many latents are
    /// active stay, what they look for goes.
    package func shufflingWeights(seed: UInt64) -> SparseDictionary {
        var generator = SeededGenerator(seed: seed, stream: "shuffled weights")
        return replacingEncoder { row in
            let order = (0..<width).shuffled(using: &generator)
            return order.map { row[$0] }
        }
    }

    /// The same dictionary with encoder rows of random directions, each as long as the row it replaces.
    package func withRandomDirections(seed: UInt64) -> SparseDictionary {
        var generator = SeededGenerator(seed: seed, stream: "random directions")
        return replacingEncoder { row in
            let direction = (0..<width).map { _ in generator.normal() }
            func length(_ numbers: some Sequence<Float>) -> Float { numbers.reduce(0) { $0 + $1 * $1 }.squareRoot() }
            let scale = length((0..<width).map { row[$0] }) / max(length(direction), 1e-30)
            return direction.map { $0 * scale }
        }
    }

    private func replacingEncoder(_ replacement: (UnsafeMutablePointer<Float>) -> [Float]) -> SparseDictionary {
        let rows = Tensor(latentCount, width)
        for latent in 0..<latentCount { rows[latent].update(from: replacement(encoder[latent]), count: width) }
        return SparseDictionary(
            encoder: rows, encoderBias: encoderBias, decoder: decoder, decoderBias: decoderBias, activation: activation,
            centresInput: centresInput, skip: skip, standardisesInput: standardisesInput)
    }
}

extension Tensor {
    /// Random directions of length one, [count, width].
    package static func randomDirections(_ count: Int, width: Int, seed: UInt64) -> Tensor {
        var generator = SeededGenerator(seed: seed, stream: "random directions")
        let result = Tensor(count, width)
        for i in 0..<result.count { result.data[i] = generator.normal() }
        result.normaliseRows()
        return result
    }
}
