import PrismTensor

/// A cross-layer transcoder (Ameisen et al. 2025): latents that read one layer and write to it and to all later ones.
///
///     a_ℓ = activation(W_enc_ℓ x_ℓ + b_enc_ℓ)        ŷ_m = Σ_{ℓ ≤ m} Σᵢ a_ℓ,ᵢ W_dec_{ℓ→m}[i] + b_dec_m
///
/// x_ℓ is what the MLP of layer ℓ reads, of L layers; ŷ_m stands for what the MLP of layer m writes.
public struct CrossLayerTranscoder: Sendable {
    /// The latents of each layer ℓ: a transcoder whose output is what they write to the layers ℓ … L − 1, side by side.
    /// W_dec is [latents, (L − ℓ) · width]; b_dec is b_dec_ℓ [width], then zeros, as later layers have their own.
    public let layers: [SparseDictionary]
    /// Which model and hook points it is for, where its files say so.
    public let configuration: CircuitTracerConfiguration?

    public init(layers: [SparseDictionary], configuration: CircuitTracerConfiguration? = nil) {
        for (layer, latents) in layers.enumerated() {
            precondition(latents.width == layers[0].width && latents.latentCount == layers[0].latentCount)
            precondition(latents.outputWidth == (layers.count - layer) * latents.width)
            precondition(latents.activation.kind == layers[0].activation.kind)
            precondition(!latents.centresInput && latents.skip == nil && !latents.standardisesInput)
            precondition(latents.decoderBias.values.dropFirst(latents.width).allSatisfy { $0 == 0 })
        }
        precondition(!layers.isEmpty)
        self.layers = layers
        self.configuration = configuration
    }

    /// Latents of one layer.
    public var latentCount: Int { layers[0].latentCount }
    /// Numbers in one layer's input and in its output.
    public var width: Int { layers[0].width }

    /// What a latent writes: W_dec_{ℓ→m}[latent] for m = ℓ … L − 1, [L − ℓ, width], a view.
    /// - layer: ℓ, which it reads.
    public func decoderRows(of latent: Int, in layer: Int) -> Tensor {
        layers[layer].decoder.rows(latent..<latent + 1).reshaped(layers.count - layer, width)
    }

    /// a_ℓ of each layer.
    /// - inputs: x_ℓ of each layer, [tokens, width].
    public func encode(_ inputs: [Tensor], workers: Workers = Workers(count: 1)) -> [SparseCodes] {
        precondition(inputs.count == layers.count)
        return zip(layers, inputs).map { $0.encode($1, workers: workers) }
    }

    /// Tokens of one block: what they write to all layers is held in memory together.
    private static let blockTokens = 32

    /// ŷ_m of each layer, [tokens, width].
    /// - codes: a_ℓ of each layer, of the same tokens.
    public func decode(_ codes: [SparseCodes], workers: Workers = Workers(count: 1)) -> [Tensor] {
        let tokens = codes[0].rowCount
        precondition(codes.count == layers.count && codes.allSatisfy { $0.rowCount == tokens })
        let outputs = layers.map { _ in Tensor(tokens, width) }
        workers.forEachRange(tokens, by: Self.blockTokens) { _, range in
            for (layer, latents) in layers.enumerated() {
                let written = Tensor(range.count, latents.outputWidth)
                latents.decode(codes[layer].rows(range), into: written)
                for (later, output) in outputs[layer...].enumerated() {
                    let rows = output.rows(range)
                    for t in 0..<range.count {
                        for c in 0..<width { rows[t][c] += written[t][later * width + c] }
                    }
                }
            }
        }
        return outputs
    }
}
