import Foundation
import PrismTensor

/// JumpReLU (Rajamanoharan et al. 2024): z = π where π > θ, else 0, with a learned threshold θ = e^t for each latent.
///
///     step penalty:  loss = mean ‖y − ŷ‖² + λ L0,  or λ (L0 / target − 1)² with a target,  L0 = mean Σ 1[πᵢ > θᵢ]
///     tanh penalty:  loss = mean ‖y − ŷ‖² + λ mean Σ tanh(c zᵢ ‖dᵢ‖)                    (Anthropic, January 2025)
///
/// The jump has no derivative; straight-through estimates take its place, with a window of width ε about θ:
/// ∂z/∂θ = −θ/ε · 1[|π − θ| < ε/2], ∂1[π > θ]/∂θ = −1/ε · 1[|π − θ| < ε/2].
final class JumpReLU: ArchitectureRule {
    private let configuration: TrainingConfiguration
    /// t = log θ.
    private let logThreshold: Parameter
    private var l0 = 0.0
    /// ε.
    let memory = Tensor(1)
    let reshapes = true

    init(_ configuration: TrainingConfiguration) {
        self.configuration = configuration
        logThreshold = Parameter(configuration.latents)
    }

    func begin(_ sample: () -> Tensor) {
        var threshold = configuration.threshold ?? 0
        if configuration.threshold == nil {
            let preactivations = sample()
            let wanted = Int(configuration.targetL0 ?? Float(configuration.k)) * preactivations.rowCount
            let sorted = preactivations.values.sorted(by: >)
            threshold = max(1e-3, sorted[min(max(wanted, 1), sorted.count) - 1])
        }
        logThreshold.value.fill(log(threshold))
        memory.fill(configuration.bandwidth ?? threshold / 10)
    }

    var parameters: [(name: String, parameter: Parameter)] { [("log_threshold", logThreshold)] }

    func selection(step: Int) -> Selection { .above }

    /// Latents inside the window feel a pull on their threshold though they are not active.
    func fill(thresholds: Tensor) {
        for i in 0..<logThreshold.value.count {
            thresholds.data[i] = exp(logThreshold.value.data[i]) - memory.data[0] / 2
        }
    }

    func activate(
        _ preactivations: UnsafePointer<Float>, latents: UnsafePointer<Int32>, count: Int,
        into z: UnsafeMutablePointer<Float>
    ) {
        for i in 0..<count {
            z[i] = preactivations[i] > exp(logThreshold.value.data[Int(latents[i])]) ? preactivations[i] : 0
        }
    }

    func observe(_ batch: BatchStatistics, _ weights: StepWeights) -> Double {
        l0 = batch.l0
        guard configuration.penalty == .step else { return 0 }
        guard let target = configuration.targetL0 else { return Double(weights.sparsity) * l0 }
        return Double(weights.sparsity) * pow(l0 / Double(target) - 1, 2)
    }

    func backward(_ column: LatentColumn, _ weights: StepWeights) -> LatentCost {
        let theta = exp(logThreshold.value.data[column.latent])
        let (window, c) = (memory.data[0], configuration.tanhScale)
        let pull = weights.sparsity * weights.perVector
        var countPull: Float = 0
        if configuration.penalty == .step {
            countPull = configuration.targetL0.map { 2 * pull * Float(l0 / Double($0) - 1) / $0 } ?? pull
        }
        var cost = LatentCost()
        var thresholdPull: Float = 0
        for i in 0..<column.count {
            let (pi, z) = (column.preactivations[i], column.activations[i])
            if configuration.penalty == .tanh, z > 0 {
                let t = tanh(c * z * column.norm)
                cost.penalty += Double(t)
                column.pulls[i] += pull * c * column.norm * (1 - t * t)
                cost.normPull += pull * c * z * (1 - t * t)
            }
            if abs(pi - theta) < window / 2 { thresholdPull -= (theta * column.pulls[i] + countPull) / window }
            if z == 0 { column.pulls[i] = 0 }
        }
        logThreshold.gradient.data[column.latent] = theta * thresholdPull
        return cost
    }

    func activation() -> LatentActivation {
        let thresholds = Tensor(logThreshold.value.count)
        for i in 0..<thresholds.count { thresholds.data[i] = exp(logThreshold.value.data[i]) }
        return .jumpReLU(thresholds: thresholds)
    }
}
