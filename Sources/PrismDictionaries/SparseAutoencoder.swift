import PrismCore
import PrismTensor

/// A trained TopK dictionary: z = TopK(W_enc (x − b_dec) + b_enc), x̂ = Σᵢ zᵢ W_dec[i] + b_dec (Gao et al. 2024).
///
/// Takes activations as the model makes them: an input scale used in training is already folded in.
public struct SparseAutoencoder: Sendable {
    /// W_enc, one row per latent, [latents, width].
    public let encoder: Tensor
    /// b_enc, [latents].
    public let encoderBias: Tensor
    /// W_dec, one row per latent, [latents, width].
    public let decoder: Tensor
    /// b_dec, [width].
    public let decoderBias: Tensor
    public let k: Int
    private let backend: any Backend
    private let layout: EncoderLayout

    public init(
        encoder: Tensor, encoderBias: Tensor, decoder: Tensor, decoderBias: Tensor, k: Int,
        backend: any Backend = CPUBackend(), precision: Precision = .fp32
    ) {
        precondition(encoder.shape == decoder.shape && encoderBias.count == encoder.rowCount)
        precondition(decoderBias.count == decoder.rowWidth)
        self.encoder = encoder
        self.encoderBias = encoderBias
        self.decoder = decoder
        self.decoderBias = decoderBias
        self.k = k
        self.backend = backend
        layout = backend.prepare(encoder: encoder, bias: encoderBias, k: k, precision: precision)
    }

    public var latentCount: Int { encoder.rowCount }
    public var width: Int { encoder.rowWidth }

    /// - x: activations, [rows, width]. codes: room for as many rows, k slots.
    public func encode(_ x: Tensor, into codes: SparseCodes) {
        let centred = Tensor(shape: x.shape)
        for t in 0..<x.rowCount { for c in 0..<width { centred[t][c] = x[t][c] - decoderBias.data[c] } }
        backend.encodeTopK(centred, layout, into: codes)
    }

    /// - out: reconstructions, [rows, width].
    public func decode(_ codes: SparseCodes, into out: Tensor) {
        backend.decode(codes, decoder: decoder, into: out)
        for t in 0..<out.rowCount { for c in 0..<width { out[t][c] += decoderBias.data[c] } }
    }
}
