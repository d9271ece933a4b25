import Foundation
import PrismTensor

/// Gated dictionaries (Rajamanoharan et al. 2024): whether a latent is active and how much are told apart.
///
///     π = W_enc x′ + b_enc        z = 1[π > 0] · max(0, e^r (π − b_enc) + b_mag)
///     loss = mean ‖y − ŷ‖² + λ mean Σ max(0, πᵢ) ‖dᵢ‖ + mean ‖y − Σ max(0, πᵢ) dᵢ − b_dec‖², the last with d and b_dec fixed
///
/// The penalty shrinks only the gate, so magnitudes are not shrunk; the last term keeps the gate meaningful.
final class Gated: ArchitectureRule {
    /// r and b_mag.
    private let magnitude, bias: Parameter
    private let encoderBias: Tensor
    let reshapes = true
    let reconstructsByGate = true

    init(_ configuration: TrainingConfiguration, encoderBias: Tensor) {
        magnitude = Parameter(configuration.latents)
        bias = Parameter(configuration.latents)
        self.encoderBias = encoderBias
    }

    var parameters: [(name: String, parameter: Parameter)] { [("r_mag", magnitude), ("b_mag", bias)] }

    func selection(step: Int) -> Selection { .above }

    func activate(
        _ preactivations: UnsafePointer<Float>, latents: UnsafePointer<Int32>, count: Int,
        into z: UnsafeMutablePointer<Float>
    ) {
        for i in 0..<count {
            let latent = Int(latents[i])
            let size =
                exp(magnitude.value.data[latent]) * (preactivations[i] - encoderBias.data[latent])
                + bias.value.data[latent]
            z[i] = preactivations[i] > 0 ? max(0, size) : 0
        }
    }

    func backward(_ column: LatentColumn, _ weights: StepWeights) -> LatentCost {
        let scale = exp(magnitude.value.data[column.latent])
        let pull = weights.sparsity * weights.perVector
        var cost = LatentCost(biasPull: 0)
        var (scalePull, magnitudePull): (Float, Float) = (0, 0)
        for i in 0..<column.count {
            let gate = column.preactivations[i]
            guard gate > 0 else {
                column.pulls[i] = 0
                continue
            }
            cost.penalty += Double(gate)
            let throughGate = column.gatePulls![i] + pull * column.norm
            var throughSize: Float = 0
            if column.activations[i] > 0 {
                throughSize = scale * column.pulls[i]
                magnitudePull += column.pulls[i]
                scalePull += throughSize * (gate - encoderBias.data[column.latent])
            }
            cost.biasPull! += throughGate
            column.pulls[i] = throughGate + throughSize
        }
        magnitude.gradient.data[column.latent] = scalePull
        bias.gradient.data[column.latent] = magnitudePull
        cost.normPull = pull * Float(cost.penalty)
        cost.penalty *= Double(column.norm)
        return cost
    }

    func activation() -> LatentActivation { .gated(logScale: magnitude.value.copy(), bias: bias.value.copy()) }
}
