import Foundation
import PrismCore

/// How n equally important features should share m hidden dimensions, if each must be of a known kind.
///
/// With xₖ the share of features of kind k, Dₖ its dimensions and Lₖ its loss for each feature: the least Σ xₖ Lₖ such that
/// Σ xₖ = 1 and Σ xₖ Dₖ = m/n, the lower convex hull of the points (Dₖ, Lₖ) at m/n. Two kinds always suffice. The kinds are
/// the polytopes that Elhage et al. (2022) saw, a dimension of one's own, being dropped, and a spread without structure.
public struct Allocation: Sendable {
    public let kinds: [(kind: FeatureKind, share: Double)]
    /// E Σ (xᵢ − x'ᵢ)² / n
    public let lossPerFeature: Double
    /// D* = m / ‖W‖²_F
    public let dimensionsPerFeature: Double

    /// - Throws: `PrismError.usage` for a density outside (0, 1].
    public init(features: Int, hidden: Int, density: Double) throws {
        try PhaseOracle.check(importance: 1, density: density)
        guard features > 0, hidden > 0 else {
            throw PrismError.usage("\(features) features in \(hidden) dimensions; give at least one of each")
        }
        let budget = min(1, Double(hidden) / Double(features))
        let all = Self.kinds(budget: budget, density: density)
        var best: [(kind: FeatureKind, share: Double)] = []
        var least = Double.infinity
        for below in all where below.dimensions <= budget {
            for above in all where above.dimensions >= budget {
                let width = above.dimensions - below.dimensions
                let share = width > 0 ? (budget - below.dimensions) / width : 1
                let loss = (1 - share) * below.loss + share * above.loss
                if loss < least { (least, best) = (loss, [(above, share), (below, 1 - share)]) }
            }
        }
        kinds = best.filter { $0.share > 1e-12 }
        lossPerFeature = least
        dimensionsPerFeature =
            Double(hidden) / (Double(features) * kinds.reduce(0) { $0 + $1.share * $1.kind.scale })
    }

    private static func kinds(budget: Double, density: Double) -> [FeatureKind] {
        let polytopes: [Polytope] = [
            .point, .tetrahedron, .triangle, .digon, .pentagon, .squareAntiprism,
        ]
        // A spread of all features, and of some of them that get up to half a dimension each.
        let spreads = budget < 0.5 ? (0...6).map { budget * pow(0.5 / budget, Double($0) / 6) } : []
        return [.dropped(density: density)] + polytopes.map { .vertex(of: $0, density: density) }
            + spreads.map { .spread(dimensions: $0, density: density) }
    }
}
