/// The expected squared error of one feature of a ReLU toy model, without sampling.
///
///     E (x − ReLU(c·x + Σⱼ cⱼ xⱼ + b))²,    every x being 0 with probability 1 − p, else uniform in [a, 1]
///
/// Given which r features are active, the expectation of f(y), y = b + Σ cⱼ xⱼ, is a difference of f's r-fold antiderivative
/// over the corners of a cube: Σ over v in {a, 1}^r of ± f⁽⁻ʳ⁾(b + Σ cⱼ vⱼ) / Π (1 − a) cⱼ. For powers of a ReLU these
/// antiderivatives are the truncated powers y₊^q / q!, so that a sum over corners of all subsets, 3^(features − 1) terms, is all.
struct ExactLoss {
    /// c: how strongly the feature answers to itself; ‖W‖² in a tied model.
    var own: Double
    /// cⱼ: how strongly it answers to each other feature; Wᵢ·Wⱼ in a tied model.
    var others: [Double]
    var bias: Double

    func value(density p: Double, values: ActiveValues = .uniform) -> Double {
        let others = others.filter { abs($0) > Self.negligible }
        precondition(others.count < 16)
        var expected = 0.0
        for active in 0..<(1 << others.count) {
            let chosen = others.indices.filter { active >> $0 & 1 == 1 }.map { others[$0] }
            let probability = (0..<others.count).reduce(1) { product, j in product * (active >> j & 1 == 1 ? p : 1 - p)
            }
            expected += probability * value(density: p, values, active: chosen)
        }
        return expected
    }

    /// The same, given which other features are active.
    private func value(density p: Double, _ values: ActiveValues, active: [Double]) -> Double {
        let (r, a) = (active.count, values.least)
        // While x is 0: E ReLU(y) and E ReLU(y)²; while it is not: E x·ReLU(y) and E ReLU(y)².
        var (first, silent, cross, square) = (0.0, 0.0, 0.0, 0.0)
        let answersItself = abs(own) > Self.negligible
        for corner in 0..<(1 << r) {
            var (y, sign) = (bias, 1.0)
            for j in 0..<r { y += active[j] * (corner >> j & 1 == 1 ? 1 : a) }
            if (r - corner.nonzeroBitCount) % 2 == 1 { sign = -1 }
            first += sign * Self.truncatedPower(y, r + 1)
            silent += sign * 2 * Self.truncatedPower(y, r + 2)
            guard answersItself else { continue }
            let (top, bottom) = (y + own, y + own * a)
            let step = Self.truncatedPower(top, r + 3) - Self.truncatedPower(bottom, r + 3)
            cross +=
                sign * (Self.truncatedPower(top, r + 2) - a * Self.truncatedPower(bottom, r + 2) - step / own) / own
            square += sign * 2 * step / own
        }
        let volume = active.reduce(1) { $0 * $1 * (1 - a) }
        // A feature that is not represented: y does not depend on x.
        let answer =
            answersItself ? (square - 2 * cross) / (volume * (1 - a)) : (silent - 2 * values.mean * first) / volume
        return (1 - p) * silent / volume + p * (values.meanSquare + answer)
    }

    /// y₊^q / q!
    private static func truncatedPower(_ y: Double, _ q: Int) -> Double {
        y > 0 ? (1...q).reduce(1) { $0 * y / Double($1) } : 0
    }

    /// Smaller coefficients would drown in rounding; leaving them out changes the loss by as little.
    private static let negligible = 1e-4
}

extension ToyModel {
    /// L of a tied ReLU model of few independent features that are alike: exact, where samples would hardly ever show two
    /// rare features at once.
    var exactLoss: Double {
        let gram = FeatureGeometry(embeddings).gram
        let features = configuration.features
        precondition(configuration.isTied && features.dependence == .independent && features.density.count == 1)
        let values = ActiveValues(least: Double(features.least))
        return biases.output.enumerated().reduce(0) { sum, feature in
            let (i, bias) = feature
            let others = (0..<features.count).filter { $0 != i }.map { gram[i, $0] }
            let error = ExactLoss(own: gram[i, i], others: others, bias: Double(bias))
            let importance = Double(configuration.importance(of: i))
            return sum + importance * error.value(density: Double(features.density[0]), values: values)
        }
    }
}
