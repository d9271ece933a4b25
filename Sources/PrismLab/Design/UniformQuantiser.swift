import Foundation
import PrismTensor

/// Rounds the numbers of each row to 2ᵇ − 1 equally spaced levels around zero, with the spacing that loses least of the row.
public struct UniformQuantiser: Sendable {
    public let bits: Int
    /// Levels on each side of zero.
    private var levels: Double { Double(1 << (bits - 1)) - 1 }

    /// - bits: at least 2.
    public init(bits: Int) {
        precondition(bits >= 2)
        self.bits = bits
    }

    private func rounded(_ value: Double, _ spacing: Double) -> Double {
        spacing * min(levels, max(-levels, (value / spacing).rounded()))
    }

    /// Spacings that are tried, as shares of the row's largest number over `levels`.
    private static let shares = (1...20).map { Double($0) / 20 }

    /// - w: [rows, any]. Returns the rounded matrix.
    public func rounding(_ w: Tensor) -> Tensor {
        let result = w.copy()
        for row in 0..<w.rowCount {
            let values = (0..<w.rowWidth).map { Double(w[row][$0]) }
            let largest = values.map(abs).max() ?? 0
            guard largest > 0 else { continue }
            func loss(_ spacing: Double) -> Double {
                values.reduce(0) { $0 + pow($1 - rounded($1, spacing), 2) }
            }
            let spacing = Self.shares.map { $0 * largest / levels }.min { loss($0) < loss($1) }!
            for i in values.indices { result[row][i] = Float(rounded(values[i], spacing)) }
        }
        return result
    }

    /// The mean squared rounding error of standard normal numbers at the best spacing: what rounding adds to weights, in
    /// units of their variance.
    static func normalError(bits: Int) -> Double {
        let quantiser = UniformQuantiser(bits: bits)
        let grid = (0..<2000).map { -5 + 10 * (Double($0) + 0.5) / 2000 }
        let weights = grid.map { exp(-$0 * $0 / 2) }
        let total = weights.reduce(0, +)
        return (1...100).map { step -> Double in
            let spacing = 5 * Double(step) / 100 / quantiser.levels
            return zip(grid, weights).reduce(0) { $0 + $1.1 * pow($1.0 - quantiser.rounded($1.0, spacing), 2) } / total
        }.min()!
    }
}
