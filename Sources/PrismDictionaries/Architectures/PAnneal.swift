import Foundation
import PrismTensor

/// p-anneal (Karvonen et al. 2024): z = max(0, π), loss = mean ‖y − ŷ‖² + λ c mean Σᵢ zᵢᵖ ‖dᵢ‖, p falling from 1 to
/// `pEnd` in ten equal drops over the second half of the training; near 0 it counts latents. At each drop the coefficient c is
/// rescaled so that the penalty of that batch stays what it was.
final class PAnneal: ArchitectureRule {
    private let configuration: TrainingConfiguration
    /// c.
    let memory = Tensor(1)
    private var step = 0
    private static let drops = 10
    /// Below it z counts as this in z^(p − 1), which has no bound at 0.
    private static let floor: Float = 1e-3

    init(_ configuration: TrainingConfiguration) {
        self.configuration = configuration
        memory.fill(1)
    }

    /// p of a step counted from 1.
    private func exponent(step: Int) -> Float {
        let start = configuration.steps / 2
        guard step > start else { return 1 }
        let drop = min(Self.drops, 1 + (step - start - 1) * Self.drops / max(1, configuration.steps - start))
        return 1 - (1 - configuration.pEnd) * Float(drop) / Float(Self.drops)
    }

    func selection(step: Int) -> Selection {
        self.step = step
        return .above
    }

    func backward(_ column: LatentColumn, _ weights: StepWeights) -> LatentCost {
        let (p, next) = (exponent(step: step), exponent(step: step + 1))
        let coefficient = memory.data[0]
        let pull = weights.sparsity * weights.perVector * coefficient
        var (sum, nextSum) = (0.0, 0.0)
        for i in 0..<column.count {
            let z = column.activations[i]
            guard z > 0 else {
                column.pulls[i] = 0
                continue
            }
            let power = p == 1 ? z : pow(z, p)
            sum += Double(power)
            if next != p { nextSum += Double(pow(z, next)) }
            column.pulls[i] += pull * column.norm * (p == 1 ? 1 : p * pow(max(z, Self.floor), p - 1))
        }
        let scale = Double(coefficient * column.norm)
        return LatentCost(penalty: scale * sum, nextPenalty: scale * nextSum, normPull: pull * Float(sum))
    }

    func finish(_ total: BackwardTotal) {
        if total.nextPenalty > 0 { memory.data[0] *= Float(total.penalty / total.nextPenalty) }
    }

    func activation() -> LatentActivation { .relu }
}
