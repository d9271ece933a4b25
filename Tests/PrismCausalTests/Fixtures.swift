import PrismCausal
import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor

/// Small models and dictionaries of random weights.
enum Fixture {
    /// Of Llama's kind: norms before, gated MLP, grouped keys.
    static func model(layers: Int = 3, seed: UInt64 = 1) -> Transformer {
        var configuration = TransformerConfiguration(
            family: "llama", width: 32, layerCount: layers, headCount: 4, keyValueHeadCount: 2, headWidth: 8,
            mlpWidth: 48, vocabularySize: 90, contextLength: 64)
        configuration.normEpsilon = 1e-5
        return Transformer(random: configuration, seed: seed, backend: CPUBackend())
    }

    /// Latents of random directions, of which ReLU leaves about half active.
    static func dictionary(at hook: HookPoint, width: Int = 32, latents: Int = 64, seed: UInt64 = 2) -> PlacedDictionary
    {
        var generator = SeededGenerator(seed: seed, stream: "dictionary")
        func random(_ shape: Int...) -> Tensor {
            let tensor = Tensor(shape: shape)
            for i in 0..<tensor.count { tensor.data[i] = generator.normal() / 6 }
            return tensor
        }
        let dictionary = SparseDictionary(
            encoder: random(latents, width), encoderBias: random(latents), decoder: random(latents, width),
            decoderBias: random(width), activation: .relu)
        return try! PlacedDictionary(name: "random", dictionary, reads: hook, writes: hook)
    }
}
