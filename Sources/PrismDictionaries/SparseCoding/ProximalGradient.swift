import Foundation
import PrismTensor

/// min_c ½ cᵀGc − qᵀc + λ Σ|cᵢ|, c ≥ 0 or of either sign, by proximal gradient steps:
///
///     c ← S(y − (Gy − q)/L),  S(v) = sign(v) max(0, |v| − λ/L), or max(0, v − λ/L);  L = λ_max(G)
///     ISTA (Daubechies et al. 2004): y = c.  FISTA (Beck and Teboulle 2009): y = c + (t − 1)/t′ (c − c_before),
///     t′ = (1 + √(1 + 4t²))/2
///
/// After n steps the objective is within 2L‖c₀ − c*‖²/n (ISTA: a quarter of it) or 2L‖c₀ − c*‖²/(n + 1)² (FISTA) of the least.
/// FISTA begins its momentum anew when it points uphill (O'Donoghue and Candès 2015), or it would circle around the optimum.
///
/// It stops at a small **KKT residual**, the largest violation of the optimum's conditions: Gc − q = −λ sign(cᵢ) where
/// cᵢ ≠ 0, |Gc − q| ≤ λ elsewhere (not below −λ, if c ≥ 0).
package struct ProximalGradient {
    /// G: the atoms' inner products, [atoms, atoms].
    package let gram: DoubleMatrix
    /// q: their inner products with x, [atoms].
    let correlations: [Double]
    /// λ.
    let penalty: Double
    let isSigned: Bool
    let hasMomentum: Bool

    package init(
        gram: DoubleMatrix, correlations: [Double], penalty: Double, signed: Bool = false, momentum: Bool = true
    ) {
        self.gram = gram
        self.correlations = correlations
        self.penalty = penalty
        isSigned = signed
        hasMomentum = momentum
    }

    /// - c: where to begin, and the solution. tolerance: of the KKT residual.
    /// - Returns: the steps taken; `limit` if they did not suffice.
    @discardableResult
    package func solve(_ c: inout [Double], tolerance: Double, limit: Int) -> Int {
        let lipschitz = gram.largestEigenvalue()
        guard lipschitz > 0 else { return 0 }
        let threshold = penalty / lipschitz
        var (y, t) = (c, 1.0)
        for step in 1...limit {
            let gradient = self.gradient(y)
            var (next, uphill) = (c, 0.0)
            for i in c.indices {
                let v = y[i] - gradient[i] / lipschitz
                next[i] = isSigned && v < 0 ? min(0, v + threshold) : max(0, v - threshold)
                uphill += (y[i] - next[i]) * (next[i] - c[i])
            }
            // y − c is at most as far as rounding from the solution when nothing moves any more, so looking every tenth step
            // for the residual costs a tenth of it.
            if hasMomentum {
                let t1 = uphill > 0 ? 1 : (1 + (1 + 4 * t * t).squareRoot()) / 2
                let weight = uphill > 0 ? 0 : (t - 1) / t1
                y = zip(next, c).map { $0 + weight * ($0 - $1) }
                t = t1
            } else {
                y = next
            }
            c = next
            if step % 10 == 0, kktResidual(c) <= tolerance { return step }
        }
        return limit
    }

    /// Gc − q.
    private func gradient(_ c: [Double]) -> [Double] {
        var result = correlations.map { -$0 }
        gram.values.withUnsafeBufferPointer { gram in
            for i in c.indices where c[i] != 0 {
                let (row, weight) = (gram.baseAddress! + i * c.count, c[i])
                for j in c.indices { result[j] += weight * row[j] }
            }
        }
        return result
    }

    /// ½ cᵀGc − qᵀc + λ Σ|cᵢ|.
    package func objective(_ c: [Double]) -> Double {
        zip(c, zip(gradient(c), correlations)).reduce(0) {
            $0 + 0.5 * $1.0 * ($1.1.0 - $1.1.1) + penalty * abs($1.0)
        }
    }

    package func kktResidual(_ c: [Double]) -> Double {
        zip(c, gradient(c)).reduce(0) { worst, pair in
            let (value, slope) = pair
            let violation =
                value != 0
                ? abs(slope + (value > 0 ? penalty : -penalty)) : (isSigned ? abs(slope) : -slope) - penalty
            return max(worst, violation)
        }
    }
}
