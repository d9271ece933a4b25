/// How a feature's values are distributed while it is active: uniform in [a, 1].
///
/// At one density, the closer a is to 1, the lower is the feature's kurtosis, and the more it costs to share a dimension
/// (Scherlis et al. 2022): two active features clash by the smaller of them.
struct ActiveValues: Hashable, Sendable {
    /// a, in [0, 1).
    var least: Double

    /// Uniform in [0, 1], as in the toy models of Elhage et al. (2022).
    static let uniform = ActiveValues(least: 0)

    /// E xᵏ
    func moment(_ k: Int) -> Double {
        (0...k).reduce(0) { sum, power in sum + (0..<power).reduce(1) { product, _ in product * least } }
            / Double(k + 1)
    }

    var mean: Double { moment(1) }
    var meanSquare: Double { moment(2) }

    /// E min(x, x')² of two independent values.
    var minimumSquare: Double {
        let width = 1 - least
        return least * least + 2 * least * width / 3 + width * width / 6
    }

    /// The variance of a feature of density p: its loss if it is dropped, since the best constant is its mean.
    func variance(density p: Double) -> Double { p * meanSquare - p * p * mean * mean }

    /// E (x − E x)⁴ / variance² of a feature of density p, silence included.
    func kurtosis(density p: Double) -> Double {
        let m = (1...4).map { p * moment($0) }
        let fourth = m[3] - 4 * m[0] * m[2] + 6 * m[0] * m[0] * m[1] - 3 * m[0] * m[0] * m[0] * m[0]
        let variance = variance(density: p)
        return fourth / (variance * variance)
    }
}
