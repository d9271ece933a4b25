import PrismTensor

/// BatchTopK (Bussmann et al. 2024): z keeps the k · batch largest positive π of the whole batch, so that vectors share
/// the latents they need. A vector alone has no batch: the finished dictionary is a JumpReLU whose one threshold is the
/// running mean of the batches' smallest activation.
///
/// Matryoshka BatchTopK (Bussmann et al. 2025): the same, and each prefix d₀ … d_m of the dictionary, m in `groups`, must
/// reconstruct alone: loss = Σ_m ‖y − Σ_{i<m} zᵢ dᵢ − b‖². Early latents then stay general, and absorb nothing.
final class BatchTopK: ArchitectureRule {
    private let configuration: TrainingConfiguration
    let groupEnds: [Int]
    /// The running mean of the smallest activation.
    let memory = Tensor(1)
    /// How far a batch moves that mean, as in SAELens.
    private static let rate: Float = 0.01

    init(_ configuration: TrainingConfiguration, groups: [Int]? = nil) {
        self.configuration = configuration
        groupEnds = groups ?? []
    }

    func selection(step: Int) -> Selection { .batchTop(configuration.k(step: step)) }

    func observe(_ batch: BatchStatistics, _ weights: StepWeights) -> Double {
        let mean = memory.data[0]
        memory.data[0] = mean == 0 ? batch.smallestActivation : mean + Self.rate * (batch.smallestActivation - mean)
        return 0
    }

    func activation() -> LatentActivation {
        let thresholds = Tensor(configuration.latents)
        thresholds.fill(memory.data[0])
        return .jumpReLU(thresholds: thresholds)
    }
}
