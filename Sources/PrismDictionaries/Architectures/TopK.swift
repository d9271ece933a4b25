import PrismTensor

/// TopK (Gao et al. 2024): z keeps the k largest positive π of each vector. No penalty; sparsity is the selection's.
///
/// With `kStart` the k of early steps falls linearly from there (k-anneal), so that more latents learn before they compete.
final class TopK: ArchitectureRule {
    private let configuration: TrainingConfiguration

    init(_ configuration: TrainingConfiguration) { self.configuration = configuration }

    func selection(step: Int) -> Selection { .top(configuration.k(step: step)) }
    func activation() -> LatentActivation { .topK(configuration.k) }
}
