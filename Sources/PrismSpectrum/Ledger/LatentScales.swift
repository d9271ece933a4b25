import PrismDictionaries
import PrismTensor

/// The factor for each latent's activation that brings the reconstruction nearest to what it stands for.
///
///     α = argmin Σ_t ‖y_t − b − Σᵢ αᵢ zᵢ dᵢ‖² + λ Σᵢ (αᵢ − 1)²,   λ = 1% of the mean over latents of Σ_t zᵢ² ‖dᵢ‖²
///
/// by conjugate gradients on (M + λ)(α − 1) = g, where Mᵢⱼ = Σ_t zᵢ zⱼ dᵢ·dⱼ and gᵢ = Σ_t zᵢ dᵢ·(y − ŷ). Above 1 on
/// average where the dictionary shrinks, as an L1 penalty makes it do.
struct LatentScales {
    let factors: [Float]
    private static let iterations = 15

    /// - codes: z of the rows of residual. residual: y − ŷ, [rows, output width].
    init(_ codes: SparseCodes, _ decoder: Tensor, residual: Tensor, workers: Workers) {
        let system = System(codes: codes, decoder: decoder, workers: workers)
        let right = system.gradient(of: residual)
        let ridge = 0.01 * system.meanDiagonal
        var (solution, rest, direction) = ([Double](repeating: 0, count: right.count), right, right)
        var square = rest.reduce(0) { $0 + $1 * $1 }
        for _ in 0..<Self.iterations where square > 0 {
            var image = system.image(of: direction)
            for i in image.indices { image[i] += ridge * direction[i] }
            let step = square / zip(direction, image).reduce(0) { $0 + $1.0 * $1.1 }
            for i in solution.indices {
                solution[i] += step * direction[i]
                rest[i] -= step * image[i]
            }
            let next = rest.reduce(0) { $0 + $1 * $1 }
            for i in direction.indices { direction[i] = rest[i] + next / square * direction[i] }
            square = next
        }
        factors = solution.map { Float(1 + $0) }
    }

    /// z with every latent scaled, copied.
    func scaling(_ codes: SparseCodes) -> SparseCodes { codes.scaled { factors[$0] } }

    /// M, never written down.
    private struct System {
        let codes: SparseCodes
        let decoder: Tensor
        let workers: Workers
        private let backend = CPUBackend()

        init(codes: SparseCodes, decoder: Tensor, workers: Workers) {
            (self.codes, self.decoder, self.workers) = (codes, decoder, workers)
        }

        var meanDiagonal: Double {
            var total = 0.0
            codes.forEachActive { _, latent, value in
                let norm = Double(decoder.norm(ofRow: latent))
                total += Double(value) * Double(value) * norm * norm
            }
            return total / Double(decoder.rowCount)
        }

        /// Σ_t zᵢ dᵢ·r_t of each latent. - r: [rows, output width].
        func gradient(of r: Tensor) -> [Double] {
            // Blocks of fixed size, added in their order: threads change no bit.
            let parts = workers.map(codes.rowCount, by: 1024) { _, range in
                var sums = [Double](repeating: 0, count: decoder.rowCount)
                for t in range {
                    codes.forEachActive(row: t) { latent, value in
                        sums[latent] += Double(value * backend.dot(decoder[latent], r[t], count: decoder.rowWidth))
                    }
                }
                return sums
            }
            return parts.dropFirst().reduce(parts.first ?? []) { zip($0, $1).map(+) }
        }

        func image(of v: [Double]) -> [Double] {
            let out = Tensor(codes.rowCount, decoder.rowWidth)
            let scaled = codes.scaled { Float(v[$0]) }
            workers.forEachRange(codes.rowCount, by: 96) { _, range in
                backend.decode(scaled.rows(range), decoder: decoder, into: out.rows(range))
            }
            return gradient(of: out)
        }
    }
}

extension SparseCodes {
    /// A copy with each value times its latent's factor.
    fileprivate func scaled(_ factor: (Int) -> Float) -> SparseCodes {
        let result = SparseCodes(rowCount: rowCount, slots: slots)
        for t in 0..<rowCount {
            result.counts[t] = counts[t]
            for slot in t * slots..<t * slots + Int(counts[t]) {
                result.indices[slot] = indices[slot]
                result.values[slot] = values[slot] * factor(Int(indices[slot]))
            }
        }
        return result
    }
}
