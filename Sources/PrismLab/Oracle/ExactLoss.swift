/// The expected squared error of one feature of a ReLU toy model, without sampling.
///
///     E (x − ReLU(c·x + Σⱼ cⱼ xⱼ + b))²,    every x being 0 with probability 1 − p, else uniform in [0, 1]
///
/// Given which r features are active, the expectation of f(y), y = b + Σ cⱼ xⱼ, is a difference of f's r-fold antiderivative
/// over the corners of the cube: Σ over subsets T of (−1)^(r − |T|) f⁽⁻ʳ⁾(b + Σ_T cⱼ) / Π cⱼ. For powers of a ReLU these
/// antiderivatives are the truncated powers y₊^q / q!, so that a sum over subsets of subsets, 3^(features − 1) terms, is all.
struct ExactLoss {
    /// c: how strongly the feature answers to itself; ‖W‖² in a tied model.
    var own: Double
    /// cⱼ: how strongly it answers to each other feature; Wᵢ·Wⱼ in a tied model.
    var others: [Double]
    var bias: Double

    func value(density p: Double) -> Double {
        // A coefficient this small would drown in rounding, and changes the loss by less than 1e-4 of it.
        let others = others.filter { abs($0) > 1e-4 }
        precondition(abs(own) > 1e-4 && others.count < 16)
        var expected = 0.0
        for active in 0..<(1 << others.count) {
            let chosen = others.indices.filter { active >> $0 & 1 == 1 }.map { others[$0] }
            let probability = (0..<others.count).reduce(1) { product, j in product * (active >> j & 1 == 1 ? p : 1 - p) }
            expected += probability * value(density: p, active: chosen)
        }
        return expected
    }

    /// The same, given which other features are active.
    private func value(density p: Double, active: [Double]) -> Double {
        let r = active.count
        // E ReLU(y)² while x is 0; E x·ReLU(y) and E ReLU(y)² while it is not.
        var (silent, cross, square) = (0.0, 0.0, 0.0)
        for corner in 0..<(1 << r) {
            var (y, sign) = (bias, 1.0)
            for j in 0..<r { if corner >> j & 1 == 1 { y += active[j] } else { sign = -sign } }
            let step = Self.truncatedPower(y + own, r + 3) - Self.truncatedPower(y, r + 3)
            silent += sign * 2 * Self.truncatedPower(y, r + 2)
            cross += sign * (Self.truncatedPower(y + own, r + 2) - step / own) / own
            square += sign * 2 * step / own
        }
        let volume = active.reduce(1, *)
        return (1 - p) * silent / volume + p * (1.0 / 3 - 2 * cross / volume + square / volume)
    }

    /// y₊^q / q!
    private static func truncatedPower(_ y: Double, _ q: Int) -> Double {
        y > 0 ? (1...q).reduce(1) { $0 * y / Double($1) } : 0
    }
}
