import PrismTensor

/// The method of optimal directions (Engan, Aase and Hakon Husøy 1999): all atoms at once by least squares,
///
///     D = argmin ‖X − Z D‖² = (ZᵀZ)⁺ ZᵀX
///
/// The pseudo-inverse comes from an eigen-decomposition, the atoms cubed in operations.
package struct OptimalDirections: AtomUpdate {
    package init() {}

    package func improve(_ atoms: Tensor, for x: Tensor, codes: SparseCodes, residual: Tensor) {
        var (gram, product) = (DoubleMatrix(atoms.rowCount, atoms.rowCount), DoubleMatrix(atoms.rowCount, x.rowWidth))
        for t in 0..<x.rowCount {
            let active = codes[t]
            for (i, value) in active {
                for (j, other) in active { gram[i, j] += Double(value) * Double(other) }
                for c in 0..<x.rowWidth { product[i, c] += Double(value) * Double(x[t][c]) }
            }
        }
        let (values, vectors) = gram.symmetricEigen()
        // Atoms that no code uses have eigenvalues of zero, and become zero.
        let inverse = values.map { $0 > 1e-12 * values[0] ? 1 / $0 : 0 }
        let solution = vectors.times(
            vectors.times(product).scalingRows(by: inverse), transposingSelf: true)
        atoms.update(from: solution.tensor)
    }
}
