import PrismTensor

/// How one row takes in the atom that correlates most with its residual; what the greedy coders differ in.
protocol PursuitRule {
    /// - x: the row, [width].
    init(_ x: UnsafePointer<Float>, _ atoms: Atoms, k: Int)
    var chosen: AtomCoefficients { get }
    /// Whether the atom may be chosen (again).
    func admits(_ atom: Int) -> Bool
    /// - correlations: uᵢ · r of all atoms. residual: r = x − Σ cᵢ uᵢ, to be brought up to date, [width].
    mutating func take(
        _ atom: Int, _ correlations: UnsafePointer<Float>, residual: UnsafeMutablePointer<Float>, _ atoms: Atoms)
}

/// k times: correlate all residuals of the block with all atoms, and give each row the atom of greatest gain, until nothing
/// is left that an atom could explain.
///
/// With the atoms' inner products G, correlations follow from those of x itself: uᵢ · r = uᵢ · x − Σⱼ cⱼ Gᵢⱼ (Rubinstein,
/// Zibulevsky and Elad 2008), which is a sum of k rows in the place of a product with all atoms.
/// - gram: G, [atoms, atoms]; nil to correlate the residuals themselves.
func pursue<Rule: PursuitRule>(
    _ x: Tensor, _ atoms: Atoms, _ k: Int, gram: Tensor? = nil, _: Rule.Type
) -> [AtomCoefficients] {
    let (residuals, correlations) = (x.copy(), Tensor(x.rowCount, atoms.count))
    let first = gram.map { _ in Tensor(x.rowCount, atoms.count) }
    if let first { atoms.correlate(x, into: first) }
    var rules = (0..<x.rowCount).map { Rule(x[$0], atoms, k: k) }
    // Of a row's length, what fp32 arithmetic leaves of nothing.
    let floors = (0..<x.rowCount).map { 1e-6 * residuals.norm(ofRow: $0) }
    for _ in 0..<k {
        if let gram, let first {
            for t in 0..<x.rowCount {
                let chosen = rules[t].chosen
                let (rows, weights) = (chosen.map { Int32($0.atom) }, chosen.map { -Float($0.coefficient) })
                rows.withUnsafeBufferPointer { rows in
                    weights.withUnsafeBufferPointer { weights in
                        CPUBackend().sumRows(
                            of: gram, rows: rows, weights: weights.baseAddress ?? UnsafePointer(first[t]),
                            start: first[t], into: correlations[t])
                    }
                }
            }
        } else {
            atoms.correlate(residuals, into: correlations)
        }
        var isFinished = true
        for t in 0..<x.rowCount {
            var (best, gain) = (-1, floors[t])
            for i in 0..<atoms.count where atoms.gain(correlations[t][i]) > gain && rules[t].admits(i) {
                (best, gain) = (i, atoms.gain(correlations[t][i]))
            }
            guard best >= 0 else { continue }
            rules[t].take(best, correlations[t], residual: residuals[t], atoms)
            isFinished = false
        }
        if isFinished { break }
    }
    return rules.map(\.chosen)
}
