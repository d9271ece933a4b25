import PrismCore
import PrismTensor

extension Code {
    /// The code of least coherence that descent finds from random directions, for sizes without a construction.
    ///
    /// The coherence is the limit of p-frame potentials, whose gradient exists and which force pairs apart the more the closer
    /// they come to the worst:
    ///
    ///     Fₚ(W) = Σ_{i≠j} |wᵢ · wⱼ|ᵖ,  ∂Fₚ/∂wᵢ ∝ Σⱼ |wᵢ · wⱼ|ᵖ⁻² (wᵢ · wⱼ) wⱼ     (Ehler and Okoudjou 2012)
    ///
    /// with p = 4, 8, …, 1024, on the sphere, with momentum, each stage beginning with half the step of the one before. What
    /// it finds is a local minimum, so that the least coherence may be lower.
    package static func optimised(features: Int, hidden: Int, _ generator: inout SeededGenerator) -> Code {
        var current = Code.gaussian(features: features, hidden: hidden, &generator)
        var best = (code: current, coherence: current.coherence)
        for stage in 0..<9 {
            var velocity = DoubleMatrix(features, hidden)
            for step in 0..<stepsPerStage {
                let (gradient, coherence) = current.potentialGradient(doublings: stage + 1)
                if coherence < best.coherence { best = (current, coherence) }
                for i in velocity.values.indices {
                    velocity.values[i] = 0.9 * velocity.values[i] + gradient.values[i]
                }
                let reach = 0.1 / Double(1 << stage) * (1 - Double(step) / Double(stepsPerStage))
                let largest = velocity.rowNorms.max() ?? 0
                guard largest > 0 else { return best.code }
                var moved = current.vectors
                for i in moved.values.indices { moved.values[i] -= reach / largest * velocity.values[i] }
                current = Code(moved)
            }
        }
        return best.code
    }

    private static let stepsPerStage = 150

    /// The direction of ∂Fₚ/∂W along the sphere for p = 2^(doublings + 1), [features, hidden], and μ.
    private func potentialGradient(doublings: Int) -> (gradient: DoubleMatrix, coherence: Double) {
        var weights = gram
        for i in 0..<featureCount { weights[i, i] = 0 }
        let coherence = weights.values.reduce(0) { max($0, abs($1)) }
        for i in weights.values.indices {
            // (g/μ)²^(p/2 − 1), of which the exponent is 1 + 2 + 4 + …
            var power = (weights.values[i] / coherence) * (weights.values[i] / coherence)
            for _ in 0..<doublings {
                weights.values[i] *= power
                power *= power
            }
        }
        var gradient = weights.times(vectors)
        for i in 0..<featureCount {
            let radial = zip(gradient.row(i), vectors.row(i)).reduce(0) { $0 + $1.0 * $1.1 }
            for c in 0..<hiddenCount { gradient[i, c] -= radial * vectors[i, c] }
        }
        return (gradient, coherence)
    }
}
