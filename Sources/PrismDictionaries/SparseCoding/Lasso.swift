import PrismTensor

/// min_c ½‖x − Σᵢ cᵢ uᵢ‖² + λ Σ|cᵢ| over all atoms, though each row works with few of them.
///
/// **Working sets.** A row's problem is solved by `ProximalGradient` on the atoms that correlate most with it; then the
/// optimum's conditions are looked at for all atoms, those that violate them join, and it is solved again from there, until
/// none does. The solution is that of the whole problem: an atom outside has c = 0 and |uᵢ · r| ≤ λ, which is its condition.
/// One look costs a product with all atoms, 2 · atoms · width operations a row; a step inside costs only atoms · atoms of
/// the set, and converges faster, because the inner products of a few atoms have a smaller largest eigenvalue than those of
/// all. Proximal steps on all atoms at once would cost two such products each, some hundred times, and the Gram matrix
/// of 24,576 atoms (2.4 GB) is never formed.
struct Lasso {
    /// λ.
    let penalty: Double

    /// KKT residual allowed, relative to the largest correlation with x (at a λ of that size, c = 0).
    static let tolerance = 1e-6
    /// Proximal steps on one working set; where atoms nearly repeat each other they may end before the tolerance is met.
    private static let stepLimit = 20_000
    /// The first working set; each further one may take in as many as there are already.
    private static let firstSet = 64

    /// - x: a block's rows, [rows, width].
    func solve(_ x: Tensor, _ atoms: Atoms) -> [AtomCoefficients] {
        let correlations = Tensor(x.rowCount, atoms.count)
        atoms.correlate(x, into: correlations)
        var rows = (0..<x.rowCount).map { t in
            let largest = (0..<atoms.count).reduce(0) { max($0, atoms.gain(correlations[t][$1])) }
            return Row(tolerance: Self.tolerance * Double(largest))
        }
        let residuals = x.copy()
        while true {
            var areSolved = true
            for t in rows.indices where !rows[t].isSolved {
                rows[t].isSolved = !grow(&rows[t], x[t], residuals[t], correlations[t], atoms)
                areSolved = areSolved && rows[t].isSolved
            }
            if areSolved { break }
            atoms.correlate(residuals, into: correlations)
        }
        return rows.map { row in zip(row.set, row.coefficients).map { (atom: $0, coefficient: $1) } }
    }

    private struct Row {
        let tolerance: Double
        /// The working set and its coefficients.
        var set: [Int] = []
        var coefficients: [Double] = []
        var isSolved = false
    }

    /// Takes the violators of the conditions into the set and solves again. - Returns: whether there were any.
    private func grow(
        _ row: inout Row, _ x: UnsafePointer<Float>, _ residual: UnsafeMutablePointer<Float>,
        _ correlations: UnsafePointer<Float>, _ atoms: Atoms
    ) -> Bool {
        // fp32 products err by some 10⁻⁶ ‖r‖; what comes near the border is computed again.
        let width = atoms.width
        let slack = Float(1e-5) * (0..<width).reduce(0) { $0 + residual[$1] * residual[$1] }.squareRoot()
        let members = Set(row.set)
        var violators = (0..<atoms.count).filter { i in
            guard atoms.gain(correlations[i]) > Float(penalty) - slack, !members.contains(i) else { return false }
            let exact =
                (0..<width).reduce(0.0) { $0 + Double(atoms.rows[i][$1]) * Double(residual[$1]) }
                * Double(atoms.inverseNorms[i])
            return (atoms.isSigned ? abs(exact) : exact) > penalty + row.tolerance
        }
        guard !violators.isEmpty else { return false }
        let room = max(Self.firstSet, row.set.count)
        if violators.count > room {
            violators.sort { (atoms.gain(correlations[$0]), $1) > (atoms.gain(correlations[$1]), $0) }
            violators.removeSubrange(room...)
        }
        row.set += violators
        row.coefficients += [Double](repeating: 0, count: violators.count)

        let units = atoms.units(row.set)
        var target = DoubleMatrix(1, width)
        for c in 0..<width { target.values[c] = Double(x[c]) }
        let problem = ProximalGradient(
            gram: units.times(units, transposingOther: true),
            correlations: target.times(units, transposingOther: true).values, penalty: penalty,
            signed: atoms.isSigned)
        problem.solve(&row.coefficients, tolerance: row.tolerance, limit: Self.stepLimit)
        var code = DoubleMatrix(1, row.set.count)
        code.values = row.coefficients
        let fit = code.times(units)
        for c in 0..<width { residual[c] = Float(target.values[c] - fit.values[c]) }
        return true
    }
}
