/// How a feature's values are distributed while it is active, as far as the closed forms ask.
///
/// At one density, values with heavier tails make for a feature of higher kurtosis, for which sharing a dimension costs less
/// (Scherlis et al. 2022): two active features clash by the smaller of them.
public struct ActiveValues: Hashable, Sendable {
    public let name: String
    /// E x, E x² and E min(x, x')² of two independent values.
    public let mean, meanSquare, minimumSquare: Double

    /// Uniform in [0, 1], as in the toy models of Elhage et al. (2022).
    public static let uniform = ActiveValues(name: "uniform", mean: 1 / 2, meanSquare: 1 / 3, minimumSquare: 1 / 6)
    /// Always 1.
    public static let constant = ActiveValues(name: "constant", mean: 1, meanSquare: 1, minimumSquare: 1)
    /// Exponential with mean 1.
    public static let exponential = ActiveValues(name: "exponential", mean: 1, meanSquare: 2, minimumSquare: 1 / 2)

    /// The variance of a feature of density p: its loss if it is dropped, since the best constant is its mean.
    public func variance(density p: Double) -> Double { p * meanSquare - p * p * mean * mean }
}
