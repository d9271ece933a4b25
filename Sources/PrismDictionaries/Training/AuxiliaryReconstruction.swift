import PrismTensor

/// AuxK (Gao et al. 2024): dead latents reconstruct, as well as k_aux of them can, what the others leave over.
///
///     loss = α Σ‖ê + e‖² / Σ‖e − mean‖²,   ê = Σ_dead zᵢ W_dec[i],   z the k_aux largest positive π of dead latents
///
/// e is taken as it is: no gradient goes into it, and b_dec takes no part.
final class AuxiliaryReconstruction {
    private(set) var loss = 0.0
    /// ê + e, [batch, output width].
    private let error: Tensor
    private var codes: SparseCodes
    private let byLatent: LatentIndex
    private let slots: Int
    /// 0 for dead latents, ∞ for the others, [padded latents].
    private let floors: Tensor
    /// What z and pulls are multiplied with to be in the trainer's unit.
    private var weight: Float = 0

    init(_ trainer: DictionaryTrainer) {
        let (batch, latents) = (trainer.configuration.batch, trainer.configuration.latents)
        slots = min(trainer.configuration.auxiliaryK ?? max(1, trainer.wiring.inputWidth / 2), latents)
        error = Tensor(batch, trainer.wiring.outputWidth)
        codes = SparseCodes(rowCount: batch, slots: slots)
        byLatent = LatentIndex(latents: latents, entries: batch * slots)
        floors = Tensor(trainer.layout.paddedCount)
    }

    /// What the encoder is to select beside the active latents.
    func selection(among dead: [Int]) -> LatentSelection {
        codes = codes.with(slots: min(slots, dead.count))
        floors.fill(.infinity)
        for latent in dead { floors.data[latent] = 0 }
        return .largest(into: codes, among: floors)
    }

    /// From the selected codes: ê + e and the loss.
    func reconstruct(_ sums: DictionaryTrainer.Sums, unit: Double, _ trainer: DictionaryTrainer) {
        let (backend, batch) = (trainer.backend, trainer.configuration.batch)
        // Large blocks: most decoder rows are wanted by several vectors of one.
        let squares = trainer.workers.map(batch, by: (batch + 7) / 8) { _, range in
            let e = error.rows(range)
            backend.decode(codes.rows(range), decoder: trainer.decoder.value, into: e)
            backend.add(trainer.errors.last!.rows(range), to: e)
            return (0..<range.count).reduce(0.0) { $0 + Double(backend.dot(e[$1], e[$1], count: e.rowWidth)) }
        }
        byLatent.build(from: codes)
        let scale = sums.residualVariance > 0 ? Double(trainer.configuration.wakeWeight) / sums.residualVariance : 0
        loss = scale * squares.reduce(0, +)
        weight = unit > 0 ? Float(2 * scale / unit) : 0
    }

    /// Raises a latent's gradients by what this reconstruction wants of it, some vectors at a time, while the cache holds
    /// them. - Returns: the sum of its pulls.
    func addColumn(_ latent: Int, _ trainer: DictionaryTrainer) -> Float {
        let entries = byLatent.entries(of: latent)
        let row = trainer.decoder.value[latent]
        let chunk = 64
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * chunk) { scratch in
            let z = scratch.baseAddress!, pulls = z + chunk
            var sum: Float = 0
            for first in stride(from: 0, to: entries.rows.count, by: chunk) {
                let part = first..<min(first + chunk, entries.rows.count)
                for i in part {
                    z[i - first] = weight * codes.values[Int(entries.slots[i])]
                    pulls[i - first] =
                        weight * trainer.backend.dot(error[Int(entries.rows[i])], row, count: error.rowWidth)
                    sum += pulls[i - first]
                }
                trainer.addColumn(
                    latent, rows: UnsafeBufferPointer(rebasing: entries.rows[part]), activations: z, pulls: pulls,
                    error: error, isFirst: false)
            }
            return sum
        }
    }
}
