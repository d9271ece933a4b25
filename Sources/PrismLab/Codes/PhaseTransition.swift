import Foundation

/// The phase transition of basis pursuit (Donoho and Tanner 2005, 2009): from m = δn numbers of a Gaussian code, k = ρm active
/// features are found again by nearly all h below ρ(δ) and by nearly none above, as n grows:
///
///     ρ(δ) = max_{x ≥ 0} (1 − (κ/δ) τ(x)) / (1 + x² − κ τ(x)),  τ(x) = (1 + x²) Φ(−x) − x φ(x)
///
/// with κ = 1 for z ≥ 0 and 2 for either sign (this form: Donoho, Maleki and Montanari 2009).
package enum PhaseTransition {
    /// ρ(δ). - delta: m / n, in (0, 1).
    package static func sparsity(atUndersampling delta: Double, signed: Bool) -> Double {
        let kappa = signed ? 2.0 : 1
        func bound(_ x: Double) -> Double {
            let density = exp(-x * x / 2) / (2 * .pi).squareRoot()
            let tau = (1 + x * x) * erfc(x / 2.0.squareRoot()) / 2 - x * density
            return (1 - kappa / delta * tau) / (1 + x * x - kappa * tau)
        }
        // One maximum: the steps are fine enough that its neighbours lie within 10⁻⁷ of it.
        return stride(from: 0, through: 8, by: 1e-3).map(bound).max()!
    }

    /// The m at which k of n features are on the border: k / m = ρ(m / n).
    package static func width(active k: Int, features n: Int, signed: Bool) -> Double {
        var (low, high) = (Double(k), Double(n))
        while high - low > 0.01 {
            let m = (low + high) / 2
            if Double(k) / m < sparsity(atUndersampling: m / Double(n), signed: signed) { high = m } else { low = m }
        }
        return (low + high) / 2
    }
}
