import Foundation
import PrismCausal
import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor
import PrismTestSupport

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

    /// log p of a row of logits, straight from the definition.
    static func logProbabilities(_ logits: Tensor, _ row: Int) -> [Double] {
        let values = (0..<logits.rowWidth).map { Double(logits[row][$0]) }
        let sum = log(values.reduce(0) { $0 + exp($1) })
        return values.map { $0 - sum }
    }

    /// KL of two rows of log p.
    static func divergence(_ p: [Double], _ q: [Double]) -> Double {
        zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
    }

    /// Of bytes and merges; its first 90 tokens are those of `model`.
    static func tokenizer() throws -> Tokenizer { try Tokenizer(json: golden("PrismModelsTests", "tiny-plain.json")) }

    /// What a model writes behind a prompt: the likeliest token of a whole pass, again and again.
    static func continuation(
        of prompt: [Int32], count: Int, _ model: Transformer, _ interventions: [Intervention]
    ) throws -> [Int32] {
        var tokens = prompt
        for _ in 0..<count {
            let logits = try model.logits(tokens, interventions: interventions)
            let last = logProbabilities(logits, tokens.count - 1)
            tokens.append(Int32(last.indices.max { last[$0] < last[$1] }!))
        }
        return Array(tokens[prompt.count...])
    }
}
