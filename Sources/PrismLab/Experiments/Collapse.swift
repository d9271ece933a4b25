import Foundation
import PrismAtlas
import PrismTensor

extension Experiment {
    static let collapse = Experiment(
        "collapse", title: "Correlated pairs collapse into principal components", topic: .toyModels,
        source: "Elhage et al. 2022, “Superposition of correlated features”", expectedSeconds: 22,
        explanation: """
            Three pairs of features that are always active together, in 2 dimensions, at 31 densities; the best of 6 trainings \
            each. A pair counts as collapsed where the embeddings of its two features coincide (cosine above 0.95): the model \
            then represents their sum alone, as a principal component. Sparse, all six features have directions of their own; \
            one pair after the other collapses as density rises, until at last WᵀW is a projection, with no eigenvalue above 1.1: \
            what is kept of dense data are two principal components, and nothing interferes any more.
            """
    ) { lab in
        // At density 1 nothing is correlated any more.
        let densities = (0...30).map { Float(0.01 * pow(95, Double($0) / 30)) }
        let trained = try lab.trainBest(
            of: 6,
            densities.map { density in
                var features = FeatureDistribution(count: 6, density: [density])
                features.dependence = .correlated(size: 2)
                var configuration = ToyConfiguration(features, hidden: 2)
                (configuration.batch, configuration.steps) = (256, 3000)
                (configuration.learningRate, configuration.decaysRate) = (3e-3, true)
                configuration.seed = lab.seed
                return configuration
            })
        let phases = trained.map { Phase(FeatureGeometry($0.best.model.embeddings)) }
        /// Where a phase gives way to the next, between two densities of the grid.
        func border(_ stage: Int) -> Double {
            guard let after = phases.firstIndex(where: { $0.stage >= stage }) else { return 1 }
            return Double((densities[after] * densities[max(0, after - 1)]).squareRoot())
        }
        let borders = (1...4).map(border)
        let stages = phases.map(\.stage)
        let examples = (0...4).compactMap { stage in
            let places = stages.indices.filter { stages[$0] == stage }
            return places.isEmpty ? nil : places[places.count / 2]
        }
        let order = Claim(
            "pairs collapse one after the other, then to PCA", published: "0, 1, 2, 3 pairs, PCA",
            got: stages.map { $0 == 4 ? "PCA" : "\($0)" }.joined(separator: " "), values: stages.map(Double.init),
            criterion: "never fewer at a larger density, each stage seen",
            holds: zip(stages, stages.dropFirst()).allSatisfy { $0 <= $1 } && Set(stages).count == 5)
        let published: [(name: String, density: Double)] = [
            ("one pair has collapsed", 0.05), ("two pairs", 0.15), ("all three pairs", 0.225),
            ("the model is PCA", 0.5),
        ]
        let borderClaims = zip(published, borders).map { published, found in
            Claim(
                "density from which on \(published.name)",
                published: published.density == 0.225 ? "between 0.2 and 0.25" : "\(published.density)",
                got: Claim.text(found, 2), values: [found], criterion: "within 30% of \(published.density)",
                holds: abs(found / published.density - 1) < 0.3)
        }
        return Findings(
            claims: [order] + borderClaims,
            parts: [
                Chart.lines(
                    "Cosine within each pair", caption: "Sorted by cosine; pairs without an embedding are left out.",
                    x: .init("density", log: true), y: .init("cosine within the pair"),
                    (0..<3).map { rank in
                        .init(
                            name: ["least", "middle", "largest"][rank],
                            points: zip(densities, phases).compactMap { density, phase in
                                phase.cosines.count > rank ? (Double(density), phase.cosines.sorted()[rank]) : nil
                            })
                    })
            ]
                + examples.map { place in
                    let w = trained[place].best.model.embeddings
                    return Chart.stars(
                        "Density \(Claim.text(Double(densities[place]), 2))",
                        features: (0..<6).map { (Double(w[$0][0]), Double(w[$0][1]), 1 - 0.45 * Double($0 / 2)) })
                })
    }

    /// How far three pairs have collapsed.
    private struct Phase {
        /// Of each pair that is represented.
        let cosines: [Double]
        /// The number of collapsed pairs, or 4 where WᵀW projects on principal components.
        let stage: Int

        init(_ geometry: FeatureGeometry) {
            let pairs = [0, 2, 4].filter { max(geometry.norms[$0], geometry.norms[$0 + 1]) > 0.35 }
            cosines = pairs.map { geometry.cosine($0, $0 + 1) }
            let collapsed = cosines.count { $0 > 0.95 }
            stage = collapsed == pairs.count && geometry.spectrum[0] < 1.1 ? 4 : collapsed
        }
    }
}
