import PrismCore
import PrismTensor

/// One way to improve atoms, given codes.
package protocol AtomUpdate: Sendable {
    /// - x: [rows, width]. codes: the rows' signed codes, and residual: what they leave, x − Z D, [rows, width]; both may be
    ///   overwritten. atoms: D, [atoms, width]; the result's rows need not have length one.
    func improve(_ atoms: Tensor, for x: Tensor, codes: SparseCodes, residual: Tensor)
}

/// Dictionary learning before gradients: from atoms that are vectors drawn at random, alternately
///
///     Z ← argmin ‖X − Z D‖², at most k in a row, either sign      (orthogonal matching pursuit)
///     D ← `AtomUpdate`, rows of length one
///
/// After each round, as Aharon et al. 2006 do, an atom that next to no vector uses, or that nearly repeats another, becomes the
/// vector that is represented worst. A round costs k products of the sample with all atoms.
///
/// The result's encoder is the decoder's transpose, one step of thresholding; what the atoms are worth shows in codes by
/// `SparseCoder`.
package struct AtomLearning {
    let update: any AtomUpdate
    let k: Int
    /// At most; it ends when ten rounds lower the error by less than a thousandth.
    private static let rounds = 80

    package init(update: any AtomUpdate, k: Int) {
        self.update = update
        self.k = k
    }

    func directions(of sample: Tensor, count: Int, seed: UInt64, workers: Workers) throws -> SignedDirections {
        var moments = ActivationMoments(width: sample.rowWidth)
        moments.add(sample, workers: workers)
        try moments.requireVectors()
        let mean = moments.mean
        let x = sample.copy()
        for t in 0..<x.rowCount { for c in 0..<x.rowWidth { x[t][c] -= Float(mean[c]) } }
        let atoms = DoubleMatrix(try learn(x, count: count, seed: seed, workers: workers))
        return SignedDirections(analysis: atoms, synthesis: atoms, mean: mean)
    }

    /// - x: [rows, width]. Returns: [count, width], rows of length one.
    package func learn(_ x: Tensor, count: Int, seed: UInt64, workers: Workers) throws -> Tensor {
        var generator = SeededGenerator(seed: seed, stream: "atoms")
        let usable = (0..<x.rowCount).filter { x.norm(ofRow: $0) > 0 }
        guard usable.count >= count else {
            throw PrismError.badData(
                "\(usable.count) vectors are too few to learn \(count) atoms from; give more vectors or ask for fewer latents"
            )
        }
        let atoms = Tensor(count, x.rowWidth)
        for (i, row) in usable.shuffled(using: &generator).prefix(count).enumerated() { set(atoms, i, to: x[row]) }
        var errors: [Double] = []
        for _ in 0..<Self.rounds {
            try Interrupt.check()
            let codes = SparseCoder.orthogonalMatchingPursuit(k: k).codes(
                of: x, for: Atoms(atoms, signed: true), workers: workers)
            let residual = x.copy()
            for t in 0..<x.rowCount {
                for (atom, value) in codes[t] { for c in 0..<x.rowWidth { residual[t][c] -= value * atoms[atom][c] } }
            }
            let lengths = (0..<x.rowCount).map { Double(residual.norm(ofRow: $0)) }
            var uses = [Int](repeating: 0, count: count)
            for t in 0..<x.rowCount { for active in codes[t] { uses[active.latent] += 1 } }
            update.improve(atoms, for: x, codes: codes, residual: residual)
            for i in 0..<count { set(atoms, i, to: atoms[i]) }
            replaceUseless(atoms, x, uses, lengths)
            errors.append(lengths.reduce(0) { $0 + $1 * $1 })
            if errors.count > 10, errors.last! > 0.999 * errors[errors.count - 11] { break }
        }
        return atoms
    }

    /// - uses: vectors that used each atom. lengths: of what their codes left of the vectors.
    private func replaceUseless(_ atoms: Tensor, _ x: Tensor, _ uses: [Int], _ lengths: [Double]) {
        var worst = lengths.indices.sorted { (lengths[$0], $1) > (lengths[$1], $0) }[...]
        let cosines = Tensor(atoms.rowCount, atoms.rowCount)
        CPUBackend().multiply(atoms, by: atoms, transposed: true, into: cosines)
        for i in 0..<atoms.rowCount where uses[i] < 4 || (0..<i).contains(where: { abs(cosines[i][$0]) > 0.99 }) {
            guard let row = worst.popFirst(), lengths[row] > 1e-6 * Double(x.norm(ofRow: row)) else { break }
            set(atoms, i, to: x[row])
        }
    }

    /// Row i becomes the vector, brought to length one; a vector of zeros stays.
    private func set(_ atoms: Tensor, _ i: Int, to row: UnsafePointer<Float>) {
        for c in 0..<atoms.rowWidth { atoms[i][c] = row[c] }
        let norm = atoms.norm(ofRow: i)
        for c in 0..<atoms.rowWidth where norm > 0 { atoms[i][c] /= norm }
    }
}
