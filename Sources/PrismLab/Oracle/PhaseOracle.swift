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
        /// The exact loss with the best scales and biases, by which a pair gains a little, and in which a dropped feature may
        /// still lean on another, with an embedding of at most ½.
        public let bestLoss: Double
    }

    public let predictions: [Prediction]

    /// - importance: I; density: p; hidden: m.
    /// - Throws: `PrismError.usage` for an importance that is not positive or a density outside (0, 1].
    public init(importance: Double, density p: Double, hidden: Int) throws {
        try Self.check(importance: importance, density: p)
        precondition(hidden >= 1)
        self.init(importance: importance, density: p, hidden: hidden, values: .uniform)
    }

    init(importance: Double, density p: Double, hidden: Int, values: ActiveValues) {
        let (dropped, clash) = (values.variance(density: p), p * p * values.minimumSquare)
        let pair = Pair(density: p, values: values)
        func antipodal(_ phase: Phase, _ importance: Double) -> Prediction {
            Prediction(
                phase: phase, loss: (1 + importance) * clash, bestLoss: pair.leastLoss(1, importance, sharing: true))
        }
        // It leans on the extra feature or, where there is one, on another.
        let otherDropped = (hidden > 1 ? [importance, 1] : [importance]).map {
            pair.leastLoss($0, 1, sharing: false)
        }.min()!
        predictions =
            [
                Prediction(
                    phase: .extraDropped, loss: importance * dropped,
                    bestLoss: pair.leastLoss(1, importance, sharing: false)),
                Prediction(phase: .otherDropped, loss: dropped, bestLoss: otherDropped),
                antipodal(.extraAntipodal, importance),
            ] + (hidden > 1 ? [antipodal(.othersAntipodal, 1)] : [])
    }

    /// The phases of least loss by the closed form: more than one on a border.
    public var winners: [Phase] { least(of: \.loss) }

    /// The same with the best scales and biases.
    public var bestWinners: [Phase] { least(of: \.bestLoss) }

    private func least(of loss: KeyPath<Prediction, Double>) -> [Phase] {
        let least = predictions.map { $0[keyPath: loss] }.min()!
        return predictions.filter { $0[keyPath: loss] <= least * (1 + 1e-9) }.map(\.phase)
    }

    static func check(importance: Double, density: Double) throws {
        guard importance > 0, importance.isFinite else {
            throw PrismError.usage("the importance is \(importance); give a number above 0")
        }
        guard density > 0, density <= 1 else {
            throw PrismError.usage(
                "the density is \(density); give the probability of a feature, above 0 and at most 1")
        }
    }

    /// Two features in one dimension, W = (s, −t).
    private struct Pair {
        let density: Double
        let values: ActiveValues

        /// The exact loss with the best s, t and biases: t is above ½ where the second feature shares the dimension, as
        /// trained models are told apart, and at most ½ where it is dropped, though it may lean on the first a little.
        func leastLoss(_ first: Double, _ second: Double, sharing: Bool) -> Double {
            func answer(_ own: Double, _ other: Double, _ bias: Double) -> Double {
                ExactLoss(own: own * own, others: [-own * other], bias: bias).value(density: density, values: values)
            }
            let start = sharing ? [1, 1, 0, 0] : [1, 0.25, 0, density * values.mean]
            let leaning = Minimum(near: start) { parameters in
                let (s, t) = (parameters[0], parameters[1])
                guard s > 0.5, sharing ? t > 0.5 : t > 0.02 && t <= 0.5 else { return .infinity }
                return first * answer(s, t, parameters[2]) + second * answer(t, s, parameters[3])
            }.value
            return sharing ? leaning : min(leaning, second * values.variance(density: density))
        }
    }
}
