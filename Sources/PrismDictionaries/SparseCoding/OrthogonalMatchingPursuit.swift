import PrismTensor

/// Orthogonal matching pursuit (Pati, Rezaiifar and Krishnaprasad 1993): after each choice all chosen coefficients are
/// fitted anew by least squares,
///
///     c = argmin ‖x − U c‖²,  (UᵀU) c = Uᵀx,  UᵀU = L Lᵀ, to which each choice appends a row
///
/// With c ≥ 0 the fit is that of Lawson and Hanson 1974: from the last coefficients towards the unconstrained ones until one
/// becomes zero; it leaves, and the rest is fitted again.
struct OrthogonalMatchingPursuit: PursuitRule {
    private var support: [Int] = []
    private var coefficients: [Double] = []
    /// Atoms that are, to rounding, sums of chosen ones.
    private var dependent: Set<Int> = []
    private var factor = CholeskyFactor()
    /// U, a row each; their inner products with x.
    private var units: [[Double]] = []
    private var correlations: [Double] = []
    private let x: [Double]

    init(_ x: UnsafePointer<Float>, _ atoms: Atoms, k: Int) {
        self.x = (0..<atoms.width).map { Double(x[$0]) }
    }

    var chosen: AtomCoefficients { zip(support, coefficients).map { (atom: $0, coefficient: $1) } }

    func admits(_ atom: Int) -> Bool { !support.contains(atom) && !dependent.contains(atom) }

    mutating func take(
        _ atom: Int, _: UnsafePointer<Float>, residual: UnsafeMutablePointer<Float>, _ atoms: Atoms
    ) {
        let unit = atoms.units([atom]).values
        guard factor.append(units.map { dot($0, unit) }, diagonal: dot(unit, unit)) else {
            dependent.insert(atom)
            return
        }
        units.append(unit)
        support.append(atom)
        correlations.append(dot(unit, x))
        coefficients.append(0)
        fit(nonNegative: !atoms.isSigned)
        var rest = x
        for (unit, coefficient) in zip(units, coefficients) {
            for c in rest.indices { rest[c] -= coefficient * unit[c] }
        }
        for c in rest.indices { residual[c] = Float(rest[c]) }
    }

    private mutating func fit(nonNegative: Bool) {
        while true {
            let goal = factor.solve(correlations)
            guard nonNegative, goal.contains(where: { $0 <= 0 }) else {
                coefficients = goal
                return
            }
            // How far towards its goal each coefficient that would turn negative can go.
            let reaches = zip(coefficients, goal).map { $1 <= 0 ? $0 / max($0 - $1, .leastNormalMagnitude) : 1 }
            let reach = reaches.min()!
            coefficients = zip(coefficients, goal).map { $0 + reach * ($1 - $0) }
            let leaving = reaches.indices.filter { goal[$0] <= 0 && reaches[$0] == reach }
            for place in leaving.reversed() { remove(place) }
            guard !support.isEmpty else { return }
        }
    }

    private mutating func remove(_ place: Int) {
        support.remove(at: place)
        coefficients.remove(at: place)
        correlations.remove(at: place)
        units.remove(at: place)
        factor.remove(at: place)
        // What was a sum of chosen atoms need not be one of those that stay.
        dependent = []
    }
}
