import Foundation
import PrismAtlas
import PrismTensor

extension Experiment {
    static let superposition = Experiment(
        "superposition", title: "Twenty features in five dimensions", topic: .toyModels,
        source: "Elhage et al. 2022, “Demonstrating superposition”", expectedSeconds: 10,
        explanation: """
            20 features of falling importance (0.7ⁱ) in 5 dimensions, at seven densities, as published: a linear model and one \
            that ends in ReLU, the best of 3 trainings each. A feature counts as represented where ‖Wᵢ‖ > ½. The linear model \
            keeps the five most important features, whatever the density, as principal components do. The ReLU output model \
            does the same while features are dense; the sparser they are, the more of them it stores, at the price that \
            they interfere.
            """
    ) { lab in
        let densities: [Float] = [1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001]
        let configurations = [ToyConfiguration.Activation.linear, .relu].flatMap { activation in
            densities.map { density in
                var configuration = ToyConfiguration(FeatureDistribution(count: 20, density: [density]), hidden: 5)
                configuration.outputActivation = activation
                configuration.importance = ToyConfiguration.geometricImportance(20, ratio: 0.7)
                configuration.seed = lab.seed
                return configuration
            }
        }
        let geometries = try lab.trainBest(of: 3, configurations).map { FeatureGeometry($0.best.model.embeddings) }
        let (linear, relu) = (geometries.prefix(densities.count), geometries.suffix(densities.count))
        let linearCounts = linear.map(\.represented.count)
        let reluCounts = relu.map(\.represented.count)
        func text(_ counts: [Int]) -> String { counts.map(String.init).joined(separator: ", ") }
        func points(_ counts: [Int]) -> [(x: Double, y: Double)] {
            zip(densities, counts).map { (Double($0), Double($1)) }
        }
        let figures =
            [Chart.embeddings("Linear model, any density", linear[0])]
            + zip(densities, relu).map {
                Chart.embeddings("ReLU output model, density \(Claim.text(Double($0), 1))", $1)
            }
        return Findings(
            claims: [
                Claim(
                    "features that a linear model represents", published: "5", closedForm: "5 principal components",
                    got: text(linearCounts), values: linearCounts.map(Double.init), criterion: "5 at every density",
                    holds: linearCounts.allSatisfy { $0 == 5 }),
                Claim(
                    "features that a ReLU output model represents", published: "up to 13 or 14",
                    closedForm: "5, 7, 9, 10, 12, 11, 14 (another implementation)", got: text(reluCounts),
                    values: reluCounts.map(Double.init), criterion: "5 at density 1, ≥ 9 at 0.1, ≥ 11 at ≤ 0.01",
                    holds: reluCounts[0] == 5 && reluCounts[2] >= 9 && reluCounts[4...].allSatisfy { $0 >= 11 }),
            ],
            parts: [
                Chart.lines(
                    "Features represented", x: .init("density", log: true), y: .init("features with ‖Wᵢ‖ > ½"),
                    [
                        .init(name: "linear", points: points(linearCounts)),
                        .init(name: "ReLU output", points: points(reluCounts)),
                    ])
            ] + figures)
    }
}
