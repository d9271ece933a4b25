import Foundation
import PrismAtlas
import PrismTensor

extension Experiment {
    static let geometry = Experiment(
        "geometry", title: "How many dimensions a feature gets", topic: .toyModels,
        source: "Elhage et al. 2022, the geometry of superposition", expectedSeconds: 35,
        explanation: """
            400 equally important features in 30 dimensions. As they become sparser, D* = m / ‖W‖² falls from 1 and stays \
            near ½ for a while, where features are antipodal pairs; single features' Dᵢ gather at the shares of solids. The \
            dashed line is theory: the mixture of known solids (each exact, at its best scale and bias), a spread without \
            structure, and dropped features, of least loss. Two trainings for each density, of 5,000 \
            steps of 512 samples at a falling rate instead of the published 10,000 of 1,024 at a constant one.
            """
    ) { lab in
        let densities = [1, 0.7, 0.5, 0.3, 0.15, 0.05]
        let repeats = 2
        let hidden = 30
        let configurations = densities.flatMap { density in
            lab.seeds(repeats).map { seed in
                var configuration = ToyConfiguration(
                    FeatureDistribution(count: 400, density: [Float(density)]), hidden: hidden)
                configuration.batch = 512
                configuration.steps = 5000
                configuration.learningRate = 3e-3
                configuration.decaysRate = true
                configuration.seed = seed
                return configuration
            }
        }
        let all = try lab.train(configurations).map { FeatureGeometry($0.model.embeddings) }
        let trained = densities.indices.map { all[$0 * repeats..<($0 + 1) * repeats] }
        let theory = try (0...40).map { step in
            let density = pow(0.05, Double(step) / 40)
            return (
                x: 1 / density,
                y: try Allocation(features: 400, hidden: hidden, density: density).dimensionsPerFeature
            )
        }
        func medians(_ value: (FeatureGeometry) -> Double) -> [(value: Double, low: Double, high: Double)] {
            trained.map { runs in
                let values = runs.map(value)
                return (values.median, values.min()!, values.max()!)
            }
        }
        let starred = medians(\.dimensionsPerFeature)
        let predicted = try densities.map {
            try Allocation(features: 400, hidden: hidden, density: $0).dimensionsPerFeature
        }
        let ratios = zip(starred, predicted).map { $0.value / $1 }
        let sums = trained.map { runs in runs.map { $0.dimensionality.reduce(0, +) } }
        let half = trained[densities.firstIndex(of: 0.5)!].map { geometry in
            let represented = geometry.represented
            return Double(represented.count { abs(geometry.dimensionality[$0] - 0.5) < 0.03 })
                / Double(represented.count)
        }
        // At density 1 no feature is represented by more than half: the layer holds principal components.
        let histograms = densities.indices.filter { i in trained[i].contains { !$0.represented.isEmpty } }.map { i in
            Chart.histogram(
                "Density \(densities[i])", x: "Dᵢ of features with ‖W‖ > ½", width: 0.025, range: 0...1,
                values: trained[i].flatMap { geometry in geometry.represented.map { geometry.dimensionality[$0] } },
                unit: "features")
        }
        let worst = sums.joined().max { abs($0 - Double(hidden)) < abs($1 - Double(hidden)) }!
        return Findings(
            claims: [
                Claim(
                    "all features' shares sum to the hidden dimensions, at every density", closedForm: "30",
                    got: "\(Claim.text(worst, 4)) at worst", values: Array(sums.joined()), criterion: "within 1%",
                    holds: abs(worst - Double(hidden)) < 0.01 * Double(hidden)),
                Claim(
                    "represented features in antipodal pairs at density 0.5", published: "D sticks at ½",
                    spread: half, criterion: "at least 0.95 within 0.03 of ½", holds: { $0 >= 0.95 }),
                Claim(
                    "D* beside the theory's, at densities of 0.3 and more",
                    got: zip(ratios, densities).filter {
                        $1 >= 0.3
                    }.map { Claim.text($0.0, 3) }.joined(separator: ", ") + " of it", values: ratios,
                    criterion: "within 10% of it",
                    holds: zip(ratios, densities).allSatisfy { $1 < 0.3 || abs($0 - 1) < 0.1 }),
            ],
            parts: [
                Chart.lines(
                    "Dimensions for each feature", x: .init("1 / density", log: true),
                    y: .init("D* = m / ‖W‖²", domain: 0...1.1),
                    [
                        .init(name: "theory", points: theory, isTheory: true),
                        .init(
                            name: "trained", points: zip(densities, starred).map { (1 / $0, $1.value) },
                            spread: starred.map { ($0.low, $0.high) }),
                    ])
            ] + histograms + [
                .table(
                    columns: ["density", "D* trained", "D* theory", "what the first training's features form"],
                    rows: densities.indices.map { i in
                        let kinds = Arrangement(trained[i].first!).kinds.map { "\($0.count) × \($0.name)" }
                        return [
                            "\(densities[i])", Claim.text(starred[i].value, 3), Claim.text(predicted[i], 3),
                            kinds.joined(separator: ", "),
                        ]
                    })
            ])
    }
}
