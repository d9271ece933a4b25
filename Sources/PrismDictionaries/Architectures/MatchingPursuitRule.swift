import PrismTensor

/// Matching pursuit as an encoder (Mallat and Zhang 1993; as a dictionary Costa et al. 2025): r = x′; k times, the latent
/// with the largest dᵢ·r > 0 takes zᵢ += dᵢ·r, r −= (dᵢ·r) dᵢ. The encoder is the decoder.
///
/// The decoder learns from e at the codes found, ∂W_dec[i] = u Σₜ zₜᵢ eₜ, as dictionary learning alternates; published code
/// differentiates through the pursuit as well, which matters little once r is nearly orthogonal to the chosen latents.
final class MatchingPursuitRule: ArchitectureRule {
    private let configuration: TrainingConfiguration
    let tiesEncoder = true

    init(_ configuration: TrainingConfiguration) { self.configuration = configuration }

    func selection(step: Int) -> Selection { .pursuit(configuration.k(step: step)) }

    func backward(_ column: LatentColumn, _ weights: StepWeights) -> LatentCost {
        column.pulls.update(repeating: 0, count: column.count)
        return LatentCost()
    }

    func activation() -> LatentActivation { .matchingPursuit(configuration.k) }
}

extension Backend {
    /// Encodes by matching pursuit.
    /// - x: centred activations, [rows, width]. decoder: rows of norm 1, [latents, width], which `layout` lays out with a
    ///   bias of zero. codes: k slots; latents ascending, each once.
    func pursue(
        _ x: Tensor, _ layout: EncoderLayout, decoder: Tensor, end: PursuitEnd = PursuitEnd(), into codes: SparseCodes
    ) {
        let (residual, best) = (x.copy(), SparseCodes(rowCount: x.rowCount, slots: 1))
        var isDone = [Bool](repeating: false, count: x.rowCount)
        for t in 0..<x.rowCount { codes.counts[t] = 0 }
        for _ in 0..<codes.slots where isDone.contains(false) {
            encode(residual, layout, [.largest(into: best)])
            for t in 0..<x.rowCount where best.counts[t] == 1 && !isDone[t] {
                let (latent, gain) = (best.indices[t], best.values[t])
                let row = decoder[Int(latent)]
                for c in 0..<x.rowWidth { residual[t][c] -= gain * row[c] }
                let isNew = codes.add(gain, to: latent, row: t)
                isDone[t] =
                    !isNew && end.onRepeat
                    || end.residual > 0 && dot(residual[t], residual[t], count: x.rowWidth).squareRoot() < end.residual
            }
        }
    }
}

extension SparseCodes {
    /// Raises a latent's value in a row, in its place among the ascending latents if it is new there. - Returns: whether it is.
    fileprivate func add(_ gain: Float, to latent: Int32, row: Int) -> Bool {
        let (first, count) = (row * slots, Int(counts[row]))
        var place = first
        while place < first + count && indices[place] < latent { place += 1 }
        if place < first + count && indices[place] == latent {
            values[place] += gain
            return false
        }
        for i in stride(from: first + count, to: place, by: -1) {
            (indices[i], values[i]) = (indices[i - 1], values[i - 1])
        }
        (indices[place], values[place]) = (latent, gain)
        counts[row] += 1
        return true
    }
}
