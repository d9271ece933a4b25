import PrismCore
import PrismTensor

/// n unit vectors in m dimensions, one for each feature: what a layer of m numbers writes features with,
///
///     h = Wᵀz,  W: [features, hidden], ‖wᵢ‖ = 1
///
/// How well z can be read off h begins with the **coherence** μ = max_{i≠j} |wᵢ · wⱼ|, which no code can bring below Welch's
/// bound (1974), √((n − m) / (m (n − 1))).
package struct Code: Sendable {
    /// W, [features, hidden].
    package let vectors: DoubleMatrix

    package var featureCount: Int { vectors.rowCount }
    package var hiddenCount: Int { vectors.columnCount }

    /// - vectors: brought to length one, [features, hidden].
    package init(_ vectors: DoubleMatrix) { self.vectors = vectors.unitRows }

    /// Directions drawn evenly from the sphere.
    package static func gaussian(
        features: Int, hidden: Int, _ generator: inout SeededGenerator
    ) -> Code {
        var vectors = DoubleMatrix(features, hidden)
        for i in vectors.values.indices { vectors.values[i] = Double(generator.normal()) }
        return Code(vectors)
    }

    /// The least coherence that n > m unit vectors in m dimensions can have.
    package static func welchBound(features n: Int, hidden m: Int) -> Double {
        (Double(n - m) / (Double(m) * Double(n - 1))).squareRoot()
    }

    /// wᵢ · wⱼ, [features, features].
    package var gram: DoubleMatrix { vectors.times(vectors, transposingOther: true) }

    /// μ, the largest |wᵢ · wⱼ| of two features.
    package var coherence: Double { products.reduce(0) { max($0, abs($1)) } }

    /// The largest wᵢ · wⱼ of two features, by which one can pass for another when activities are not negative.
    package var largestProduct: Double { products.max() ?? 0 }

    /// The mean of (wᵢ · wⱼ)² over pairs: what a feature reads of another's square. A tight frame has the least,
    /// (n − m) / (m (n − 1)); random directions have 1 / m.
    package var meanSquareProduct: Double {
        products.reduce(0) { $0 + $1 * $1 } / Double(products.count)
    }

    /// wᵢ · wⱼ for i < j.
    private var products: [Double] {
        let gram = gram
        return (0..<featureCount).flatMap { i in gram.row(i).suffix(featureCount - 1 - i) }
    }
}
