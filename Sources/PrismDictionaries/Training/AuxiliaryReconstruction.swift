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
    /// Dead latents' encoder, with room for more; behind them the bias is −∞.
    private var layout: EncoderLayout?
    /// What z and pulls are multiplied with to be in the trainer's unit.
    private var weight: Float = 0

    init(_ trainer: DictionaryTrainer) {
        let (batch, latents) = (trainer.configuration.batch, trainer.configuration.latents)
        error = Tensor(batch, trainer.wiring.outputWidth)
        codes = SparseCodes(rowCount: batch, slots: Self.slots(trainer))
        byLatent = LatentIndex(latents: latents, entries: batch * codes.slots)
    }

    private static func slots(_ trainer: DictionaryTrainer) -> Int {
        min(trainer.configuration.auxiliaryK ?? max(1, trainer.wiring.inputWidth / 2), trainer.configuration.latents)
    }

    func reconstruct(_ dead: [Int], _ sums: DictionaryTrainer.Sums, unit: Double, _ trainer: DictionaryTrainer) {
        let (backend, width) = (trainer.backend, trainer.wiring.outputWidth)
        codes = codes.with(slots: min(Self.slots(trainer), dead.count))
        let layout = layOut(dead, trainer)
        let squares = trainer.mapBlocksOfRows { _, range in
            let (z, e) = (codes.rows(range), error.rows(range))
            backend.encodeTopK(trainer.centred.rows(range), layout, into: z)
            for t in 0..<range.count {
                for i in t * z.slots..<t * z.slots + Int(z.counts[t]) { z.indices[i] = Int32(dead[Int(z.indices[i])]) }
            }
            backend.decode(z, decoder: trainer.decoder.value, into: e)
            backend.add(trainer.errors.last!.rows(range), to: e)
            return (0..<range.count).reduce(0.0) { $0 + Double(backend.dot(e[$1], e[$1], count: width)) }
        }
        byLatent.build(from: codes)
        let scale = sums.residualVariance > 0 ? Double(trainer.configuration.wakeWeight) / sums.residualVariance : 0
        loss = scale * squares.reduce(0, +)
        weight = unit > 0 ? Float(2 * scale / unit) : 0
    }

    private func layOut(_ dead: [Int], _ trainer: DictionaryTrainer) -> EncoderLayout {
        let width = trainer.wiring.inputWidth
        if layout.map({ $0.weight.rowCount < dead.count }) != false {
            let room = min(trainer.configuration.latents, max(1024, 2 * dead.count))
            layout = trainer.backend.prepare(
                encoder: Tensor(room, width), bias: Tensor(room), precision: trainer.configuration.precision)
        }
        let layout = layout!
        layout.bias.fill(-.infinity)
        trainer.workers.forEachRange(layout.weight.rowCount, by: DictionaryTrainer.blockLatents) { _, range in
            for i in range where i < dead.count {
                layout.weight[i].update(from: trainer.encoder.value[dead[i]], count: width)
                layout.bias.data[i] = trainer.encoderBias.value.data[dead[i]]
            }
            trainer.backend.refresh(layout, latents: range)
        }
        return layout
    }

    /// Raises a latent's gradients by what this reconstruction wants of it. - Returns: the sum of its pulls.
    func addColumn(_ latent: Int, _ trainer: DictionaryTrainer) -> Float {
        let entries = byLatent.entries(of: latent)
        let (count, row) = (entries.rows.count, trainer.decoder.value[latent])
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * count + 1) { scratch in
            let z = scratch.baseAddress!, pulls = z + count
            var sum: Float = 0
            for i in 0..<count {
                z[i] = weight * codes.values[Int(entries.slots[i])]
                pulls[i] = weight * trainer.backend.dot(error[Int(entries.rows[i])], row, count: error.rowWidth)
                sum += pulls[i]
            }
            if count > 0 {
                trainer.addColumn(
                    latent, rows: entries.rows, activations: z, pulls: pulls, error: error, isFirst: false)
            }
            return sum
        }
    }
}
