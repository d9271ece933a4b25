import Foundation
import PrismTensor

/// What ends a matching pursuit before it has chosen k times: rules of SAELens's, which Prism's own training does without.
public struct PursuitEnd: Hashable, Sendable {
    /// The norm below which what is left over counts as explained.
    public var residual: Float = 0
    /// Whether a latent that is chosen again, and has taken its part, is the last.
    public var onRepeat = false

    public init(residual: Float = 0, onRepeat: Bool = false) { (self.residual, self.onRepeat) = (residual, onRepeat) }
}

/// What makes a finished dictionary's latents active, given their pre-activations π = W_enc x + b_enc.
public enum LatentActivation: Sendable {
    /// The k largest π that are positive (Gao et al. 2024).
    case topK(Int)
    /// z = max(0, π): dictionaries trained with an L1 penalty.
    case relu
    /// z = π where π > θ, else 0 (Rajamanoharan et al. 2024). θ: [latents]. BatchTopK ends as one with a constant θ.
    case jumpReLU(thresholds: Tensor)
    /// z = max(0, e^r (π − b_enc) + b_mag) where π > 0, else 0; b_enc is the gate's bias (Rajamanoharan et al. 2024, Gated).
    /// logScale r, bias b_mag: [latents].
    case gated(logScale: Tensor, bias: Tensor)
    /// At most k latents, each by what it explains of what those before it left (`Backend.pursue`); W_enc is W_dec, with
    /// rows of norm 1, and b_enc zero.
    case matchingPursuit(Int, end: PursuitEnd = PursuitEnd())

    /// k of TopK.
    public var k: Int? { if case .topK(let k) = self { k } else { nil } }

    /// What a latent's pre-activation must exceed to count, [`EncoderLayout.paddedCount`]; nil for TopK, which compares
    /// latents with each other.
    func thresholds(paddedTo count: Int) -> Tensor? {
        let result = Tensor(count)
        switch self {
        case .topK, .matchingPursuit: return nil
        case .relu, .gated: return result
        case .jumpReLU(let thresholds):
            result.data.update(from: thresholds.data, count: thresholds.count)
            return result
        }
    }

    /// ∂z/∂π of a latent while it is active.
    package func slope(of latent: Int) -> Float {
        if case .gated(let logScale, _) = self { exp(logScale.data[latent]) } else { 1 }
    }

    /// Turns pre-activations of selected latents into activations, in place.
    func apply(to codes: SparseCodes, encoderBias: Tensor) {
        guard case .gated(let logScale, let bias) = self else { return }
        for t in 0..<codes.rowCount {
            var kept = t * codes.slots
            for slot in t * codes.slots..<t * codes.slots + Int(codes.counts[t]) {
                let latent = Int(codes.indices[slot])
                let z = exp(logScale.data[latent]) * (codes.values[slot] - encoderBias.data[latent]) + bias.data[latent]
                guard z > 0 else { continue }
                (codes.indices[kept], codes.values[kept]) = (Int32(latent), z)
                kept += 1
            }
            codes.counts[t] = Int32(kept - t * codes.slots)
        }
    }
}
