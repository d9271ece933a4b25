import PrismTensor

/// How features share the dimensions of a hidden layer, from their embeddings Wᵢ alone (Elhage et al. 2022, "The geometry
/// of superposition").
///
///     Dᵢ = ‖Wᵢ‖² / Σⱼ (Ŵᵢ·Wⱼ)²      the dimensions that feature i has to itself, j = i included; 0 where Wᵢ = 0
///     D* = m / ‖W‖²_F               dimensions for each feature that is represented
///
/// Dᵢ is also the capacity Cᵢ = (Wᵢ·Wᵢ)² / Σⱼ (Wᵢ·Wⱼ)² of Scherlis et al. (2022). The sum of all Dᵢ is at most the number
/// of hidden dimensions m; it is m where the embeddings fill the space evenly.
public struct FeatureGeometry: Sendable {
    /// Wᵢ·Wⱼ, [features, features].
    package let gram: DoubleMatrix
    /// Hidden dimensions m.
    public let hiddenCount: Int
    /// Eigenvalues of WᵀW, [hidden], descending: equal where the embeddings are a tight frame.
    public let spectrum: [Double]
    /// Dᵢ of each feature.
    public let dimensionality: [Double]

    /// - embeddings: W, [features, hidden].
    public init(_ embeddings: Tensor) { self.init(DoubleMatrix(embeddings)) }

    init(_ embeddings: DoubleMatrix) {
        gram = embeddings.times(embeddings, transposingOther: true)
        hiddenCount = embeddings.columnCount
        spectrum = embeddings.times(embeddings, transposingSelf: true).symmetricEigen().values
        dimensionality = Self.dimensionality(of: embeddings)
    }

    /// Dᵢ of each row, by Σⱼ (Wᵢ·Wⱼ)² = Wᵢ·(WᵀW) Wᵢ, which asks for no matrix of all pairs.
    package static func dimensionality(of embeddings: DoubleMatrix) -> [Double] {
        let images = embeddings.times(embeddings.times(embeddings, transposingSelf: true))
        return (0..<embeddings.rowCount).map { i in
            let own = embeddings.row(i).reduce(0) { $0 + $1 * $1 }
            let all = zip(embeddings.row(i), images.row(i)).reduce(0) { $0 + $1.0 * $1.1 }
            return all > 0 ? own * own / all : 0
        }
    }

    public var featureCount: Int { gram.rowCount }

    /// ‖Wᵢ‖ of each feature.
    public var norms: [Double] { (0..<featureCount).map { gram[$0, $0].squareRoot() } }

    /// Of the angle between the embeddings of two features.
    func cosine(_ i: Int, _ j: Int) -> Double { gram[i, j] / (gram[i, i] * gram[j, j]).squareRoot() }

    /// Σ over j ≠ i of (Ŵᵢ·Wⱼ)²: how strongly the other features speak along feature i.
    public var interference: [Double] {
        zip(norms, dimensionality).map { norm, own in own > 0 ? norm * norm * (1 / own - 1) : 0 }
    }

    /// D*; infinite where no feature is represented.
    public var dimensionsPerFeature: Double {
        Double(hiddenCount) / norms.reduce(0) { $0 + $1 * $1 }
    }

    /// Features that the layer represents: those with ‖Wᵢ‖ > ½.
    public var represented: [Int] { norms.enumerated().filter { $0.element > 0.5 }.map(\.offset) }

    /// φ½, the share of features with ‖Wᵢ‖ > ½ (Liu et al. 2025): near 1 in strong superposition.
    public var representedShare: Double { Double(represented.count) / Double(featureCount) }
}
