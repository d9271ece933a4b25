import Foundation
import PrismAtlas
import PrismCore
import PrismDictionaries
import PrismMetrics
import PrismTensor

extension Experiment {
    static let recovery = Experiment(
        "recovery", title: "Dictionaries on a hidden layer whose features are known", topic: .recovery,
        source: "derived; Sharkey et al. 2022, Bricken et al. 2023", expectedSeconds: 60,
        explanation: """
            Toy models of 64 features in 24 dimensions; dictionaries of three architectures are trained on h alone and \
            their latents matched with the embeddings Wᵢ (MCC: mean |cos| after one-to-one matching). Three sweeps: how \
            dense the features are, how many latents the dictionary has, and how strongly features occur in pairs. The \
            null model is a dictionary of random directions. k is the number of features that are active on average, at \
            least 1. One training for each point.
            """
    ) { lab in
        let count = 64
        func toy(density: Float, pairs strength: Float? = nil) -> ToyConfiguration {
            var configuration = ToyConfiguration(FeatureDistribution(count: count, density: [density]), hidden: 24)
            if let strength { configuration.features.dependence = .correlated(size: 2, strength: strength) }
            configuration.batch = 512
            configuration.steps = 4000
            configuration.learningRate = 0.003
            configuration.decaysRate = true
            configuration.seed = lab.seed
            return configuration
        }
        let densities: [Float] = [0.01, 0.02, 0.05, 0.1, 0.2]
        let strengths: [Float] = [0, 0.5, 0.8, 1]
        let widths = [16, 32, 64, 128, 256]
        let trained = try lab.train(
            densities.map { toy(density: $0) } + strengths.map { toy(density: 0.05, pairs: $0) })
        let architectures: [Architecture] = [.batchTopK, .standard, .jumpReLU]

        func mcc(_ architecture: Architecture, _ model: ToyModel, latents: Int = 64) throws -> Double {
            let active = Double(model.configuration.features.density[0]) * Double(count)
            return try ToyDictionary(
                architecture, latents: latents, k: max(1, Int(active.rounded())),
                sparsity: architecture == .standard ? 1 : nil, on: model, seed: lab.seed, workers: lab.workers
            ).mcc(workers: lab.workers)
        }
        /// One line for each architecture.
        func sweep<Setting>(
            _ settings: [Setting], x: (Setting) -> Double, mcc: (Architecture, Setting) throws -> Double
        ) rethrows
            -> [Chart.Series]
        {
            try architectures.map { architecture in
                .init(
                    name: architecture.label,
                    points: try settings.map { (x: x($0), y: try mcc(architecture, $0)) })
            }
        }
        let byDensity = try sweep(Array(densities.indices), x: { Double(densities[$0]) }) {
            try mcc($0, trained[$1].model)
        }
        let byWidth = try sweep(widths, x: Double.init) { try mcc($0, trained[2].model, latents: $1) }
        let byCorrelation = try sweep(Array(strengths.indices), x: { Double(strengths[$0] * strengths[$0]) }) {
            try mcc($0, trained[densities.count + $1].model)
        }
        let null = Self.randomMatching(trained[2].model, latents: count, lab)
        let sparse = byDensity.map { $0.points[1].y }
        let y = Chart.Axis("MCC", domain: 0...1)
        return Findings(
            claims: [
                Claim(
                    "dictionaries find the planted features at density 0.02", published: "features are recovered",
                    got: zip(architectures, sparse).map { "\($0.label) \(Claim.text($1, 3))" }.joined(separator: ", ")
                        + "; random directions \(Claim.text(null, 3))", values: sparse,
                    criterion: "best MCC > 0.9", holds: sparse.max()! > 0.9),
                Claim(
                    "dense features are found worse",
                    got: "best MCC \(Claim.text(byDensity.map { $0.points[4].y }.max()!, 3)) at 0.2",
                    values: byDensity.map { $0.points[4].y }, criterion: "best MCC at 0.2 below that at 0.02",
                    holds: byDensity.map { $0.points[4].y }.max()! < sparse.max()!),
                Claim(
                    "features that always occur together are found worse",
                    got:
                        "best MCC \(Claim.text(byCorrelation.map { $0.points[3].y }.max()!, 3)) at correlation 1, \(Claim.text(byCorrelation.map { $0.points[0].y }.max()!, 3)) at 0",
                    values: byCorrelation.map { $0.points[3].y }, criterion: "best MCC at 1 below that at 0",
                    holds: byCorrelation.map { $0.points[3].y }.max()! < byCorrelation.map { $0.points[0].y }.max()!),
            ],
            parts: [
                Chart.lines(
                    "By density", caption: "64 latents", x: .init("density", log: true), y: y,
                    byDensity + [
                        .init(name: "random directions", points: densities.map { (Double($0), null) }, isTheory: true)
                    ]),
                Chart.lines(
                    "By width", caption: "density 0.05, 64 features", x: .init("latents", log: true), y: y, byWidth),
                Chart.lines(
                    "By correlation", caption: "pairs, density 0.05, 64 latents", x: .init("correlation of activity"),
                    y: y,
                    byCorrelation),
            ])
    }

    /// The MCC of as many random directions.
    private static func randomMatching(_ model: ToyModel, latents: Int, _ lab: Lab) -> Double {
        var generator = SeededGenerator(seed: lab.seed, stream: "random directions")
        let random = Code.gaussian(features: latents, hidden: model.configuration.hidden, &generator).vectors.tensor
        let matched = FeatureMatching(decoder: random, directions: model.embeddings, workers: lab.workers).matched
        return matched.reduce(0) { $0 + Double($1) } / Double(matched.count)
    }
}
