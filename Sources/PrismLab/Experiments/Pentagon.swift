import Foundation
import PrismAtlas
import PrismTensor

extension Experiment {
    static let pentagon = Experiment(
        "pentagon", title: "Five features in two dimensions", topic: .toyModels,
        source: "Elhage et al. 2022, introduction", expectedSeconds: 10,
        explanation: """
            A ReLU output model with 5 features of falling importance (0.9ⁱ) in 2 dimensions, at ten densities from 1 to \
            1/20; the best of 8 trainings each. Dense features leave room for the two most important alone; sparse ones are \
            stored together, and at the sparsest all five stand in a regular pentagon, each with two fifths of a dimension.
            """
    ) { lab in
        let densities = (0..<10).map { pow(20, -Float($0) / 9) }
        let trained = try lab.trainBest(
            of: 8,
            densities.map { density in
                var configuration = ToyConfiguration(FeatureDistribution(count: 5, density: [density]), hidden: 2)
                configuration.importance = ToyConfiguration.geometricImportance(5, ratio: 0.9)
                configuration.seed = lab.seed
                return configuration
            })
        let sparsest = trained.last!.best.model
        let w = DoubleMatrix(sparsest.embeddings)
        let angles = (0..<5).map { atan2(w[$0, 1], w[$0, 0]) * 180 / .pi }.sorted()
        let gaps = angles.indices.map { $0 == 0 ? angles[0] + 360 - angles[4] : angles[$0] - angles[$0 - 1] }
        let norms = w.rowNorms
        let biases = sparsest.biases.output.map(Double.init)
        let stars = zip(densities, trained).map { density, result in
            let w = result.best.model.embeddings
            return Chart.stars(
                "Density \(Claim.text(Double(density), 2))",
                features: (0..<5).map { (Double(w[$0][0]), Double(w[$0][1]), pow(0.9, Double($0) * 3)) })
        }
        return Findings(
            claims: [
                Claim(
                    "five features form a regular pentagon when sparse", published: "pentagon",
                    closedForm: "gaps of 72°",
                    got: gaps.map { Claim.text($0, 3) }.joined(separator: ", ") + "°", values: gaps,
                    criterion: "every gap within 5° of 72°", holds: gaps.allSatisfy { abs($0 - 72) < 5 }),
                Claim(
                    "norm of an embedding", closedForm: "1.13 (derived)", spread: norms,
                    criterion: "within 0.05 of 1.13",
                    holds: { abs($0 - 1.13) < 0.05 }),
                Claim(
                    "bias", closedForm: "−0.24 (derived)", spread: biases, criterion: "within 0.05 of −0.24",
                    holds: { abs($0 + 0.24) < 0.05 }),
            ], parts: stars)
    }
}
