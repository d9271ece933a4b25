/// Matching pursuit (Mallat and Zhang 1993): cᵢ ← cᵢ + uᵢ · r, r ← r − (uᵢ · r) uᵢ. An atom may come again.
struct MatchingPursuit: PursuitRule {
    private(set) var chosen: AtomCoefficients = []

    init(_ x: UnsafePointer<Float>, _ atoms: Atoms, k: Int) {}

    func admits(_ atom: Int) -> Bool { true }

    mutating func take(
        _ atom: Int, _ correlations: UnsafePointer<Float>, residual: UnsafeMutablePointer<Float>, _ atoms: Atoms
    ) {
        let gain = correlations[atom]
        let (row, weight) = (atoms.rows[atom], gain * atoms.inverseNorms[atom])
        for c in 0..<atoms.width { residual[c] -= weight * row[c] }
        if let place = chosen.firstIndex(where: { $0.atom == atom }) {
            chosen[place].coefficient += Double(gain)
        } else {
            chosen.append((atom, Double(gain)))
        }
    }
}
