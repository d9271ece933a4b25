import PrismTensor

/// K-SVD (Aharon, Elad and Bruckstein 2006): each atom in turn, with its coefficients, becomes the best rank-one
/// approximation of what all others leave of the vectors that use it,
///
///     E = X_ω − Σ_{j ≠ i} z_j d_jᵀ,   E ≈ σ u vᵀ        dᵢ = v,  zᵢ = σ u
///
/// The leading singular pair comes by power iteration from the present atom, which is near.
package struct KSVD: AtomUpdate {
    private static let powerSteps = 20

    package init() {}

    package func improve(_ atoms: Tensor, for x: Tensor, codes: SparseCodes, residual: Tensor) {
        let (backend, width) = (CPUBackend(), x.rowWidth)
        // The slots that hold each atom.
        var uses = [[(row: Int, slot: Int)]](repeating: [], count: atoms.rowCount)
        for t in 0..<x.rowCount {
            for slot in t * codes.slots..<t * codes.slots + Int(codes.counts[t]) {
                uses[Int(codes.indices[slot])].append((t, slot))
            }
        }
        for i in 0..<atoms.rowCount where !uses[i].isEmpty {
            let (e, z) = (Tensor(uses[i].count, width), Tensor(uses[i].count, 1))
            let (atom, next) = (atoms.rows(i..<i + 1), Tensor(1, width))
            for (place, use) in uses[i].enumerated() {
                for c in 0..<width { e[place][c] = residual[use.row][c] + codes.values[use.slot] * atom.data[c] }
            }
            for _ in 0..<Self.powerSteps {
                backend.multiply(e, by: atom, transposed: true, into: z)
                backend.multiply(z.reshaped(1, z.count), by: e, transposed: false, into: next)
                let norm = next.norm(ofRow: 0)
                guard norm > 0 else { break }
                var moved: Float = 0
                for c in 0..<width {
                    moved = max(moved, abs(next.data[c] / norm - atom.data[c]))
                    atom.data[c] = next.data[c] / norm
                }
                if moved < 1e-6 { break }
            }
            backend.multiply(e, by: atom, transposed: true, into: z)
            for (place, use) in uses[i].enumerated() {
                codes.values[use.slot] = z.data[place]
                for c in 0..<width { residual[use.row][c] = e[place][c] - z.data[place] * atom.data[c] }
            }
        }
    }
}
