import Foundation
import PrismAtlas
import PrismCore
import PrismTensor

extension Experiment {
    static let correlated = Experiment(
        "correlated", title: "Features that occur together, and features that exclude each other", topic: .toyModels,
        source: "Elhage et al. 2022, “Superposition of correlated features”", expectedSeconds: 19,
        explanation: """
            Sets of features that are always active together, or of which only one can be active at a time, in too few \
            dimensions. Features that occur together avoid each other: they become orthogonal, and where there is no room for \
            that, neighbours. Features that exclude each other share a dimension, one in each direction, where two such pairs have two dimensions. This contradicts the \
            folklore that exclusive features go to monosemantic units of their own, which is tested where units exist at all: in \
            a hidden layer of ReLU neurons (3 sets × 2 in 4 neurons). Three exclusive pairs in 2 dimensions are not antipodal: they \
            form a hexagon, in which it hardly matters whose corner is whose, as two sets are rarely active at once, and from \
            density 0.12 a pentagon, which has no opposite corners. For each setting three repetitions, each the best of 8 trainings.
            """
    ) { lab in
        typealias Dependence = FeatureDistribution.Dependence
        func configurations(
            sets: Int, of size: Int, in hidden: Int, density: Float, _ dependence: Dependence, neurons: Bool = false
        ) -> [ToyConfiguration] {
            var features = FeatureDistribution(count: sets * size, density: [density])
            features.dependence = dependence
            var configuration = ToyConfiguration(features, hidden: hidden)
            (configuration.batch, configuration.steps) = (256, 3000)
            (configuration.learningRate, configuration.decaysRate) = (3e-3, true)
            if neurons { configuration.hiddenActivation = .relu }
            return lab.seeds(3).map { seed in
                configuration.seed = seed
                return configuration
            }
        }
        let pair = (together: Dependence.correlated(size: 2), apart: Dependence.anticorrelated(size: 2))
        let settings = [
            configurations(sets: 2, of: 10, in: 10, density: 0.1, .correlated(size: 10)),
            configurations(sets: 2, of: 2, in: 2, density: 0.05, pair.together),
            configurations(sets: 2, of: 2, in: 2, density: 0.1, pair.apart),
            configurations(sets: 3, of: 2, in: 2, density: 0.03, pair.together),
            configurations(sets: 3, of: 2, in: 2, density: 0.06, pair.apart),
            configurations(sets: 3, of: 2, in: 4, density: 0.1, pair.apart, neurons: true),
            configurations(sets: 3, of: 2, in: 4, density: 0.05, .independent, neurons: true),
            configurations(sets: 3, of: 2, in: 4, density: 0.05, pair.together, neurons: true),
        ]
        let trained = try lab.trainBest(of: 8, settings.flatMap { $0 })
        let models = settings.indices.map { setting in
            trained[setting * 3..<setting * 3 + 3].map(\.best.model.embeddings)
        }
        let geometries = models.map { $0.map { FeatureGeometry($0) } }

        /// Of every pair of every seed.
        func cosines(_ setting: Int) -> [Double] {
            geometries[setting].flatMap { geometry in
                stride(from: 0, to: geometry.featureCount, by: 2).map { geometry.cosine($0, $0 + 1) }
            }
        }
        /// Σ (Ŵᵢ·Wⱼ)² over j ≠ i of i's set, as a share of that over the other set.
        let withinShares = geometries[0].map { geometry in
            var (within, across) = (0.0, 0.0)
            for i in 0..<20 {
                for j in 0..<20 where j != i {
                    let square = geometry.gram[i, j] * geometry.gram[i, j] / max(geometry.gram[i, i], 1e-12)
                    if i / 10 == j / 10 { within += square } else { across += square }
                }
            }
            return within / across
        }
        let pairDimensions = geometries[2].flatMap { geometry in
            [0, 2].map { geometry.dimensionality[$0] + geometry.dimensionality[$0 + 1] }
        }
        let neurons = models[5...].map { $0.map(NeuronShares.init) }
        let distinct = neurons.map { $0.map(\.distinctPairs).mean }
        let alone = neurons.map { $0.map(\.featuresAlone).mean }
        func percent(_ share: Double) -> String { "\(Claim.text(100 * share, 3))%" }
        func star(_ title: String, _ setting: Int) -> ReportSection.Part {
            let w = models[setting][0]
            return Chart.stars(
                title,
                features: (0..<w.rowCount).map { (Double(w[$0][0]), Double(w[$0][1]), 1 - 0.45 * Double($0 / 2)) })
        }
        return Findings(
            claims: [
                Claim(
                    "cosine within a correlated pair, 2 × 2 in 2 dimensions", published: "orthogonal",
                    spread: cosines(1).map(abs), digits: 2, criterion: "|cosine| < 0.1", holds: { $0 < 0.1 }),
                Claim(
                    "cosine within a correlated pair, 3 × 2 in 2 dimensions", published: "side by side",
                    spread: cosines(3), digits: 2, criterion: "> 0: neighbours, not opposites", holds: { $0 > 0 }),
                Claim(
                    "interference within a correlated set as a share of that across sets, 2 × 10 in 10 dimensions",
                    published: "local almost-orthogonal bases", spread: withinShares, digits: 2, criterion: "< 0.1",
                    holds: { $0 < 0.1 }),
                Claim(
                    "cosine within an anti-correlated pair, 2 × 2 in 2 dimensions", published: "antipodal",
                    spread: cosines(2), criterion: "< −0.95", holds: { $0 < -0.95 }),
                Claim(
                    "cosine within an anti-correlated pair, 3 × 2 in 2 dimensions", published: "antipodal",
                    spread: cosines(4), criterion: "< −0.95", holds: { $0 < -0.95 }),
                Claim(
                    "dimensions that an anti-correlated pair takes, 2 × 2 in 2 dimensions",
                    published: "1 (they share it); 2 by the folklore", closedForm: "1", spread: pairDimensions,
                    criterion: "within 0.05 of 1", holds: { abs($0 - 1) < 0.05 }),
                Claim(
                    "against the folklore: among ReLU neurons no more anti-correlated features than independent ones are alone on one",
                    got:
                        "distinct \(percent(distinct[0])) of pairs, alone \(percent(alone[0])) of features; independent \(percent(distinct[1])) and \(percent(alone[1])), correlated \(percent(distinct[2])) and \(percent(alone[2]))",
                    values: distinct + alone,
                    criterion: "share of features alone at most that of independent ones",
                    holds: alone[0] <= alone[1]),
            ],
            parts: [
                star("Correlated, 2 × 2", 1), star("Anti-correlated, 2 × 2", 2), star("Correlated, 3 × 2", 3),
                star("Anti-correlated, 3 × 2", 4), Chart.embeddings("Correlated, 2 × 10", geometries[0][0]),
                weights("Anti-correlated, 3 × 2 in 4 ReLU neurons", models[5][0]),
                weights("Independent, 6 in 4 ReLU neurons", models[6][0]),
                weights("Correlated, 3 × 2 in 4 ReLU neurons", models[7][0]),
            ])
    }

    private static func weights(_ title: String, _ w: Tensor) -> ReportSection.Part {
        Chart.heatMap(
            title, caption: "Features 0 and 1, 2 and 3, 4 and 5 are the pairs.",
            rows: (0..<w.rowWidth).map { k in (0..<w.rowCount).map { Double(w[$0][k]) } }, x: "feature", y: "neuron",
            side: 130)
    }
}

/// How the pairs of a model are spread over its neurons. A feature's neuron is the one of its largest weight; it is alone
/// there where no other feature has a third of that weight.
private struct NeuronShares {
    let distinctPairs, featuresAlone: Double

    init(_ w: Tensor) {
        let (features, neurons) = (0..<w.rowCount, 0..<w.rowWidth)
        let favourites = features.map { i in neurons.max { w[i][$0] < w[i][$1] }! }
        distinctPairs =
            Double(stride(from: 0, to: w.rowCount, by: 2).count { favourites[$0] != favourites[$0 + 1] })
            / Double(w.rowCount / 2)
        featuresAlone =
            Double(
                features.count { i in
                    let k = favourites[i]
                    return w[i][k] > 0.5 && features.allSatisfy { $0 == i || abs(w[$0][k]) < w[i][k] / 3 }
                }) / Double(w.rowCount)
    }
}
