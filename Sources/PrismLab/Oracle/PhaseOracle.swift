import PrismCore

/// Which phase a toy model with one dimension too few will choose: m + 1 features in m hidden dimensions, of which one,
/// the extra, has importance I and the others 1.
///
/// Model: xᵢ = 0 with probability 1 − p, else uniform in [0, 1]; x' = ReLU(WᵀWx + b); L = E Σ Iᵢ (xᵢ − x'ᵢ)² (Elhage et al.
/// 2022). A feature with a dimension of its own costs nothing; a dropped one is best told as its mean p/2, which leaves its
/// variance v = p/3 − p²/4. Of two antipodal features ReLU keeps the larger less the smaller, and both are off by the smaller
/// only when both are active: p² E min(x, x')² = p²/6 each, at scale one and without bias. So
///
///     extra dropped          I·v
///     another dropped        v
///     extra antipodal        (1 + I) p²/6
///     others antipodal       2 p²/6            from two others on
///
/// In 2 → 1 antipodal wins for p < min(4I / (2 + 5I), 4 / (5 + 2I)).
public struct PhaseOracle: Sendable {
    public enum Phase: String, Codable, CaseIterable, Sendable {
        case extraDropped = "extra dropped"
        case otherDropped = "another dropped"
        case extraAntipodal = "extra antipodal"
        case othersAntipodal = "others antipodal"
    }

    public struct Prediction: Codable, Sendable {
        public let phase: Phase
        /// The closed form above.
        public let loss: Double
        /// The exact loss with the best scales and biases for uniform values; an antipodal pair gains a little by them.
        public let bestLoss: Double
    }

    public let predictions: [Prediction]

    /// - importance: I; density: p; hidden: m.
    /// - Throws: `PrismError.usage` for an importance that is not positive or a density outside (0, 1].
    public init(importance: Double, density p: Double, hidden: Int) throws {
        try Self.check(importance: importance, density: p)
        precondition(hidden >= 1)
        predictions = Self.losses(importance: importance, density: p, hidden: hidden, values: .uniform).map { phase, loss in
            let best =
                switch phase {
                case .extraDropped, .otherDropped: loss
                case .extraAntipodal: Self.antipodal(importance, density: p)
                case .othersAntipodal: Self.antipodal(1, density: p)
                }
            return Prediction(phase: phase, loss: loss, bestLoss: best)
        }
    }

    /// The phases of least loss by the closed form: more than one on a border.
    public var winners: [Phase] { Self.least(predictions.map { ($0.phase, $0.loss) }) }

    /// The same with the best scales and biases.
    public var bestWinners: [Phase] { Self.least(predictions.map { ($0.phase, $0.bestLoss) }) }

    static func losses(
        importance: Double, density p: Double, hidden: Int, values: ActiveValues
    ) -> [(Phase, Double)] {
        let (dropped, clash) = (values.variance(density: p), p * p * values.minimumSquare)
        let all: [(Phase, Double)] = [
            (.extraDropped, importance * dropped), (.otherDropped, dropped),
            (.extraAntipodal, (1 + importance) * clash), (.othersAntipodal, 2 * clash),
        ]
        return hidden > 1 ? all : all.dropLast()
    }

    static func least(_ losses: [(phase: Phase, loss: Double)]) -> [Phase] {
        let least = losses.map(\.loss).min()!
        return losses.filter { $0.loss <= least * (1 + 1e-9) }.map(\.phase)
    }

    static func check(importance: Double, density: Double) throws {
        guard importance > 0, importance.isFinite else {
            throw PrismError.usage("the importance is \(importance); give a number above 0")
        }
        guard density > 0, density <= 1 else {
            throw PrismError.usage("the density is \(density); give the probability of a feature, above 0 and at most 1")
        }
    }

    /// The exact loss of an antipodal pair, W = (s, −t), with the best s, t and biases.
    private static func antipodal(_ importance: Double, density: Double) -> Double {
        Minimum(near: [1, 1, 0, 0]) { parameters in
            let (s, t, b, c) = (parameters[0], parameters[1], parameters[2], parameters[3])
            guard min(s, t) > 0.1 else { return .infinity }
            return ExactLoss(own: s * s, others: [-s * t], bias: b).value(density: density)
                + importance * ExactLoss(own: t * t, others: [-s * t], bias: c).value(density: density)
        }.value
    }
}
