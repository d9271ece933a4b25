import PrismTensor

/// A dictionary's decoder rows as sparse coders see them: directions of length one, uᵢ = dᵢ / ‖dᵢ‖, with coefficients
/// cᵢ = zᵢ ‖dᵢ‖. What a coder chooses does therefore not change when a latent is rescaled against its decoder row, and an
/// L1 penalty cannot be evaded by long rows. A row of zeros is never chosen.
package struct Atoms: Sendable {
    /// dᵢ, [atoms, width].
    let rows: Tensor
    /// 1 / ‖dᵢ‖, or 0 of a row of zeros.
    let inverseNorms: [Float]
    /// Whether coefficients may be negative.
    let isSigned: Bool

    package init(_ rows: Tensor, signed: Bool = false) {
        self.rows = rows
        isSigned = signed
        inverseNorms = (0..<rows.rowCount).map { i in
            let norm = rows.norm(ofRow: i)
            return norm > 0 ? 1 / norm : 0
        }
    }

    var count: Int { rows.rowCount }
    var width: Int { rows.rowWidth }

    /// uᵢ · r for all atoms and all rows of a block: one product of matrices, in fp32.
    /// - residuals: [rows, width]. out: [rows, atoms].
    func correlate(_ residuals: Tensor, into out: Tensor) {
        CPUBackend().multiply(residuals, by: rows, transposed: true, into: out)
        for t in 0..<residuals.rowCount {
            for i in 0..<count { out[t][i] *= inverseNorms[i] }
        }
    }

    /// uᵢ · uⱼ, [atoms, atoms].
    func gram(workers: Workers) -> Tensor {
        let (units, result) = (rows.copy(), Tensor(count, count))
        units.normaliseRows()
        workers.forEachRange(count, by: 64) { _, range in
            CPUBackend().multiply(units.rows(range), by: units, transposed: true, into: result.rows(range))
        }
        return result
    }

    /// How much an atom of this correlation is wanted: its size if coefficients may have either sign, else itself.
    func gain(_ correlation: Float) -> Float { isSigned ? abs(correlation) : correlation }

    /// uᵢ of the chosen atoms in double precision, [chosen, width].
    func units(_ chosen: [Int]) -> DoubleMatrix {
        var result = DoubleMatrix(chosen.count, width)
        for (place, i) in chosen.enumerated() {
            let (row, inverse) = (rows[i], Double(inverseNorms[i]))
            for c in 0..<width { result[place, c] = Double(row[c]) * inverse }
        }
        return result
    }
}
