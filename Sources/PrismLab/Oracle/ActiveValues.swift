import Foundation
import PrismCore

/// How a feature's values are distributed while it is active.
///
/// At one density, values with heavier tails make for a feature of higher kurtosis, for which sharing a dimension costs less
/// (Scherlis et al. 2022): two active features clash by the smaller of them.
public enum ActiveValues: String, CaseIterable, Sendable {
    /// Always 1.
    case constant
    /// Uniform in [0, 1], as in the toy models of Elhage et al. (2022).
    case uniform
    /// Exponential with mean 1.
    case exponential

    public var mean: Double { self == .uniform ? 1 / 2 : 1 }

    /// E x²
    public var meanSquare: Double {
        switch self {
        case .constant: 1
        case .uniform: 1 / 3
        case .exponential: 2
        }
    }

    /// E min(x, x')² of two independent values.
    public var minimumSquare: Double {
        switch self {
        case .constant: 1
        case .uniform: 1 / 6
        case .exponential: 1 / 2
        }
    }

    /// The variance of a feature of density p: its loss if it is dropped, since the best constant is its mean.
    public func variance(density p: Double) -> Double { p * meanSquare - p * p * mean * mean }

    func draw(from generator: inout SeededGenerator) -> Double {
        switch self {
        case .constant: 1
        case .uniform: Double(generator.uniform())
        case .exponential: -log(1 - Double(generator.uniform()))
        }
    }
}
