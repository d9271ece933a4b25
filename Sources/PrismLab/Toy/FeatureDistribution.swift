import Foundation
import PrismCore

/// How the features of a toy model occur: each is zero, or with probability pᵢ (its density) uniform in `values`.
///
/// After Elhage et al. 2022, where pᵢ = 1 − S, with S the sparsity; groups are their correlated and anti-correlated sets.
public struct FeatureDistribution: Codable, Hashable, Sendable {
    /// n, the number of features.
    public var count: Int
    /// p, in (0, 1]: one number for all features or one for each.
    public var density: [Float]
    /// Least and greatest value of an active feature; signed features have −1 and 1, Boolean ones 1 and 1.
    public var least: Float = 0
    public var greatest: Float = 1
    public var dependence = Dependence.independent

    public init(count: Int, density: [Float] = [1], least: Float = 0, greatest: Float = 1) {
        self.count = count
        self.density = density
        self.least = least
        self.greatest = greatest
    }

    /// Which features occur together.
    public enum Dependence: Codable, Hashable, Sendable {
        case independent
        /// Consecutive groups of `size`. Each feature follows its group's common draw with probability `strength` and a draw
        /// of its own otherwise: the correlation of two features' activity is strength².
        case correlated(size: Int, strength: Float = 1)
        /// Consecutive groups of `size`, of which, with probability p, exactly one member is active.
        case anticorrelated(size: Int)
        /// A feature can only be active when its parent is, of which p is then the conditional probability; −1 is none.
        /// A parent stands before its children.
        case hierarchical(parents: [Int])
    }

    /// pᵢ ∝ i^−exponent with Σpᵢ = total (Zipf's law), each at most 1.
    public static func zipf(_ count: Int, exponent: Double, total: Double) -> [Float] {
        let weights = (1...count).map { pow(Double($0), -exponent) }
        let sum = weights.reduce(0, +)
        return weights.map { Float(min(1, $0 / sum * total)) }
    }

    func density(of feature: Int) -> Float { density.count == 1 ? density[0] : density[feature] }

    /// Σ E xᵢ² of independent features, with E x² = (a² + ab + b²)/3 of one that is active, uniform in [a, b].
    var energy: Double {
        let (a, b) = (Double(least), Double(greatest))
        return (0..<count).reduce(0) { $0 + Double(density(of: $1)) } * (a * a + a * b + b * b) / 3
    }

    /// - Throws: `PrismError.usage` that names the value that is out of range.
    public func validate() throws {
        guard count > 0 else { throw PrismError.usage("a toy model needs at least one feature, not \(count)") }
        guard density.count == 1 || density.count == count else {
            throw PrismError.usage("give one density for all \(count) features or one for each, not \(density.count)")
        }
        for p in density where !(p > 0 && p <= 1) {
            throw PrismError.usage("density must be above 0 and at most 1, not \(p)")
        }
        guard least <= greatest, least.isFinite, greatest.isFinite else {
            throw PrismError.usage("values must run from the least to the greatest, not from \(least) to \(greatest)")
        }
        switch dependence {
        case .independent: break
        case .correlated(let size, let strength):
            guard size > 0, count.isMultiple(of: size), (0...1).contains(strength) else {
                throw PrismError.usage(
                    "correlated groups must divide the \(count) features and their strength lie in 0…1, not \(size) and \(strength)"
                )
            }
        case .anticorrelated(let size):
            guard size > 0, count.isMultiple(of: size) else {
                throw PrismError.usage("anti-correlated groups must divide the \(count) features, not have \(size)")
            }
        case .hierarchical(let parents):
            guard parents.count == count, parents.indices.allSatisfy({ parents[$0] < $0 && parents[$0] >= -1 }) else {
                throw PrismError.usage("each feature needs a parent that stands before it, or −1 for none")
            }
        }
    }
}
