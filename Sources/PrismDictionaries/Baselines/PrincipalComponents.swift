import PrismTensor

/// Principal components (Pearson 1901; Hotelling 1933): of all bases, the one whose first n directions keep most of the
/// variance, for every n.
///
///     C = Σᵢ λᵢ vᵢ vᵢᵀ,  λ₁ ≥ λ₂ ≥ …        cᵢ = vᵢ · (x − x̄)        x̂ = x̄ + Σᵢ cᵢ vᵢ
struct PrincipalComponents {
    /// λ: the variance along each direction, descending, [width].
    let variances: [Double]
    /// vᵢ, orthonormal, [width, width].
    let vectors: DoubleMatrix
    /// x̄, [width].
    let mean: [Double]

    init(_ moments: ActivationMoments) {
        (variances, vectors) = moments.covariance.symmetricEigen()
        mean = moments.mean
    }

    func directions(_ count: Int) -> SignedDirections {
        let leading = vectors.rows(0..<count)
        return SignedDirections(analysis: leading, synthesis: leading, mean: mean)
    }
}
