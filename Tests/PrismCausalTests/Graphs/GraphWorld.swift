import PrismCausal
import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor

/// Models and transcoders of random weights, large enough that attention and norms matter.
enum GraphWorld {
    static let tokens: [Int32] = [7, 3, 41, 3, 19, 28]
    static let layers = 3

    static func configuration() -> TransformerConfiguration {
        TransformerConfiguration(
            family: "llama", width: 24, layerCount: layers, headCount: 3, keyValueHeadCount: 1, headWidth: 8,
            mlpWidth: 40, vocabularySize: 50, contextLength: 64)
    }

    /// Weights of N(0, 1/√inputs), norms around one; no biases, so that nothing but sources adds to the residual stream.
    static func model(_ configuration: TransformerConfiguration = configuration()) -> Transformer {
        Transformer(configuration, backend: CPUBackend()) { name in
            let shape = configuration.shape(of: name)!
            if name.isBias { return Tensor(shape: shape) }
            let size = name.part.isNorm ? 0.2 : 1 / Float(shape.last!).squareRoot()
            let tensor = random(shape, "\(name)", size)
            if name.part.isNorm { for i in 0..<tensor.count { tensor.data[i] += 1 } }
            return tensor
        }
    }

    static func random(_ shape: [Int], _ stream: String, _ size: Float) -> Tensor {
        var generator = SeededGenerator(seed: 5, stream: stream)
        let tensor = Tensor(shape: shape)
        for i in 0..<tensor.count { tensor.data[i] = size * generator.normal() }
        return tensor
    }

    static func dictionary(
        _ name: String, _ activation: LatentActivation = .topK(4), outputs: Int = 24, bias: Bool = true,
        skip: Bool = false
    ) -> SparseDictionary {
        let decoderBias = random([outputs], name + " b_dec", 0.3)
        if !bias { decoderBias.fill(0) }
        return SparseDictionary(
            encoder: random([30, 24], name + " encoder", 0.3), encoderBias: random([30], name + " b_enc", 0.3),
            decoder: random([30, outputs], name + " decoder", 0.3), decoderBias: decoderBias, activation: activation,
            centresInput: false, skip: skip ? random([outputs, 24], name + " skip", 0.2) : nil)
    }

    static func transcoder(_ layer: Int, _ activation: LatentActivation = .topK(4), skip: Bool = false) throws
        -> LayerTranscoder
    {
        try LayerTranscoder(
            PlacedDictionary(
                name: "transcoder \(layer)", dictionary("\(layer)", activation, skip: skip),
                reads: .mlpIn(layer: layer), writes: .mlpOut(layer: layer)))
    }

    static func replacement(
        _ transcoders: [LayerTranscoder], model: Transformer = model(), tokens: [Int32] = tokens,
        positions: [Int]? = nil
    ) throws -> LocalReplacement {
        try LocalReplacement(
            model, transcoders, tokens: tokens, positions: positions ?? Array(1..<tokens.count),
            workers: Workers(count: 2))
    }
}
