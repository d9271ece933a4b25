/// Gradient pursuit (Blumensath and Davies 2008): the chosen coefficients take the best step along their gradient,
///
///     gᵢ = uᵢ · r for the chosen i,  v = Σ gᵢ uᵢ,  a = (r · v) / ‖v‖²        cᵢ ← cᵢ + a gᵢ
///
/// and where coefficients may not be negative, those that would be become zero, as Smith 2024 does for autoencoders.
struct GradientPursuit: PursuitRule {
    private(set) var chosen: AtomCoefficients = []
    private let x: [Float]

    init(_ x: UnsafePointer<Float>, _ atoms: Atoms, k: Int) {
        self.x = (0..<atoms.width).map { x[$0] }
    }

    func admits(_ atom: Int) -> Bool { true }

    mutating func take(
        _ atom: Int, _ correlations: UnsafePointer<Float>, residual: UnsafeMutablePointer<Float>, _ atoms: Atoms
    ) {
        if !chosen.contains(where: { $0.atom == atom }) { chosen.append((atom, 0)) }
        let step = sum(chosen.map { ($0.atom, Double(correlations[$0.atom])) }, atoms)
        var (product, square) = (0.0, 0.0)
        for c in x.indices {
            product += Double(residual[c]) * step[c]
            square += step[c] * step[c]
        }
        guard square > 0 else { return }
        for place in chosen.indices {
            let value = chosen[place].coefficient + product / square * Double(correlations[chosen[place].atom])
            chosen[place].coefficient = atoms.isSigned ? value : max(0, value)
        }
        let fit = sum(chosen, atoms)
        for c in x.indices { residual[c] = Float(Double(x[c]) - fit[c]) }
    }

    /// Σ cᵢ uᵢ, [width].
    private func sum(_ terms: AtomCoefficients, _ atoms: Atoms) -> [Double] {
        var result = [Double](repeating: 0, count: x.count)
        for (atom, coefficient) in terms {
            let (row, weight) = (atoms.rows[atom], coefficient * Double(atoms.inverseNorms[atom]))
            for c in x.indices { result[c] += weight * Double(row[c]) }
        }
        return result
    }
}
