import Foundation

/// One way for a feature to live in a hidden layer of equally important features, and what it costs there.
///
/// All features of a kind have the same scale a = ‖Wᵢ‖² and bias b, those that make E (x − x')² least.
public struct FeatureKind: Sendable {
    public let name: String
    /// Hidden dimensions for each feature: Dᵢ.
    public let dimensions: Double
    /// ‖Wᵢ‖²
    public let scale: Double
    public let bias: Double
    /// E (xᵢ − x'ᵢ)²
    public let loss: Double

    /// A feature that is not represented: its mean is told, its variance is the loss.
    static func dropped(density p: Double) -> FeatureKind {
        FeatureKind(
            name: "dropped", dimensions: 0, scale: 0, bias: p / 2, loss: ActiveValues.uniform.variance(density: p))
    }

    /// A vertex of a polytope whose subspace is orthogonal to all others; the exact expectation.
    static func vertex(of polytope: Polytope, density: Double) -> FeatureKind {
        let vertices = polytope.vertices
        let cosines = vertices.times(vertices, transposingOther: true).row(0).dropFirst()
        return FeatureKind(
            name: polytope.name, dimensions: Double(polytope.dimension) / Double(vertices.rowCount)
        ) { scale, bias in
            ExactLoss(own: scale, others: cosines.map { scale * $0 }, bias: bias).value(density: density)
        }
    }

    /// A feature of a tight frame of so many that what the others add is normal, by the central limit theorem, with mean
    /// zero: Σ cos² over the others is 1/D − 1, each of their values has E x² = p/3.
    static func spread(dimensions: Double, density: Double) -> FeatureKind {
        FeatureKind(name: "spread", dimensions: dimensions) { scale, bias in
            spreadLoss(dimensions: dimensions, density: density, scale: scale, bias: bias)
        }
    }

    /// - noise: variance of noise on each hidden number, which reaches an output through an embedding of length √scale.
    static func spreadLoss(
        dimensions: Double, density p: Double, scale: Double, bias: Double, noise: Double = 0
    ) -> Double {
        // Not zero, where a dimension of its own leaves a feature undisturbed.
        let sigma = max(1e-9, (scale * scale * (1 / dimensions - 1) * p / 3 + scale * noise).squareRoot())
        // The integral over x by midpoints: 64 of them leave an error below 1e-4 of the loss.
        let active = (0..<64).reduce(0.0) { sum, i in
            let x = (Double(i) + 0.5) / 64
            let relu = RectifiedNormal(mean: scale * x + bias, deviation: sigma)
            return sum + (x * x - 2 * x * relu.mean + relu.meanSquare) / 64
        }
        return (1 - p) * RectifiedNormal(mean: bias, deviation: sigma).meanSquare + p * active
    }

    private init(name: String, dimensions: Double, scale: Double, bias: Double, loss: Double) {
        self.name = name
        self.dimensions = dimensions
        self.scale = scale
        self.bias = bias
        self.loss = loss
    }

    private init(name: String, dimensions: Double, loss: (_ scale: Double, _ bias: Double) -> Double) {
        let best = Minimum(near: [1, 0]) { $0[0] > 0.1 ? loss($0[0], $0[1]) : .infinity }
        self.init(name: name, dimensions: dimensions, scale: best.point[0], bias: best.point[1], loss: best.value)
    }
}
