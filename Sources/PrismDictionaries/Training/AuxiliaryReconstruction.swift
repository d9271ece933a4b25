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
    /// Σ over the batch of each latent's pulls, [latents].
    let pullSums: Tensor
    /// What z and pulls are multiplied with to be in the trainer's unit.
    private var weight: Float = 0

    init(_ trainer: DictionaryTrainer) {
        let (batch, latents) = (trainer.configuration.batch, trainer.configuration.latents)
        slots = min(trainer.configuration.auxiliaryK ?? max(1, trainer.wiring.inputWidth / 2), latents)
        error = Tensor(batch, trainer.wiring.outputWidth)
        codes = SparseCodes(rowCount: batch, slots: slots)
        byLatent = LatentIndex(latents: latents, entries: batch * slots)
        floors = Tensor(trainer.layout.paddedCount)
        pullSums = Tensor(latents)
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

    /// Sets all latents' gradients to what this reconstruction wants of them: part by part of the batch, so that the cache
    /// holds the part's vectors while all latents pass.
    func setGradients(_ trainer: DictionaryTrainer) {
        let (latents, batch) = (trainer.configuration.latents, trainer.configuration.batch)
        let partRows = max(64, (8 << 20) / (4 * (error.rowWidth + trainer.wiring.inputWidth)))
        for start in stride(from: 0, to: batch, by: partRows) {
            let part = start..<min(start + partRows, batch)
            trainer.workers.forEachRange(latents, by: DictionaryTrainer.blockLatents) { _, range in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * part.count) { scratch in
                    let z = scratch.baseAddress!, pulls = z + part.count
                    for latent in range {
                        let (entries, row) = (byLatent.entries(of: latent, in: part), trainer.decoder.value[latent])
                        var sum: Float = start == 0 ? 0 : pullSums.data[latent]
                        for i in entries.rows.indices {
                            z[i] = weight * codes.values[Int(entries.slots[i])]
                            pulls[i] =
                                weight * trainer.backend.dot(error[Int(entries.rows[i])], row, count: error.rowWidth)
                            sum += pulls[i]
                        }
                        pullSums.data[latent] = sum
                        if !entries.rows.isEmpty || start == 0 {
                            trainer.addColumn(
                                latent, rows: entries.rows, activations: z, pulls: pulls, error: error,
                                isFirst: start == 0)
                        }
                    }
                }
            }
        }
    }
}
