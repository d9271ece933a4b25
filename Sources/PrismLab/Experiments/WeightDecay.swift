import Foundation
import PrismAtlas
import PrismTensor

extension Experiment {
    static let weightDecay = Experiment(
        "weight-decay", title: "Weight decay fights superposition, its opposite brings it", topic: .toyModels,
        source: "Liu et al. 2025", expectedSeconds: 30,
        explanation: """
            100 features in 20 dimensions by AdamW at six strengths γ of weight decay, three repetitions each (4000 steps of 256 \
            samples, η = 0.003). Positive γ shrinks embeddings, negative γ pulls each towards length one. Two distributions: equal \
            densities of 0.02, and Zipf's pᵢ ∝ 1/i with one active feature on average. φ½ is the share of features with \
            ‖Wᵢ‖ > ½, and ΣDᵢ/m how much of the layer's dimensions features use. Whether decay brings or prevents \
            superposition is contested; if it prevents it, φ½ falls with γ.
            """
    ) { lab in
        let decays: [Float] = [-1, -0.1, 0, 0.01, 0.1, 1]
        let distributions: [(name: String, density: [Float])] = [
            ("equal densities", [0.02]), ("Zipf", FeatureDistribution.zipf(100, exponent: 1, total: 1)),
        ]
        let trained = try lab.train(
            distributions.flatMap { distribution in
                decays.flatMap { decay in
                    lab.seeds(3).map { seed in
                        var configuration = ToyConfiguration(
                            FeatureDistribution(count: 100, density: distribution.density), hidden: 20)
                        (configuration.optimiser, configuration.weightDecay) = (.adamW, decay)
                        (configuration.batch, configuration.steps) = (256, 4000)
                        (configuration.learningRate, configuration.decaysRate) = (3e-3, true)
                        configuration.seed = seed
                        return configuration
                    }
                }
            })
        let geometries = trained.map { FeatureGeometry($0.model.embeddings) }
        let shares = geometries.map(\.representedShare)
        let used = geometries.map { $0.dimensionality.reduce(0, +) / 20 }
        /// [decay][repetition] of one distribution.
        func table(_ values: [Double], _ distribution: Int) -> [[Double]] {
            decays.indices.map { d in
                let first = (distribution * decays.count + d) * 3
                return Array(values[first..<first + 3])
            }
        }
        func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
        func text(_ values: [Double]) -> String { values.map { Claim.text($0, 2) }.joined(separator: ", ") }
        let claims = distributions.enumerated().flatMap { d, distribution in
            let medians = table(shares, d).map(median)
            return [
                Claim(
                    "φ½ falls as γ rises, \(distribution.name)", published: "γ < 0 strong, γ > 0 weak superposition",
                    got: "\(text(medians)) for γ = \(text(decays.map(Double.init)))", values: medians,
                    criterion: "never rises with γ; γ = −1 above γ = 0 above γ = 1, by 0.05 each",
                    holds: zip(medians, medians.dropFirst()).allSatisfy { $0 >= $1 } && medians[0] > medians[2] + 0.05
                        && medians[2] > medians[5] + 0.05),
                Claim(
                    "φ½ at γ = −1, \(distribution.name)", published: "1", spread: table(shares, d)[0],
                    criterion: "> 0.95", holds: { $0 > 0.95 }),
            ]
        }
        func chart(_ title: String, _ values: [Double], y: Chart.Axis) -> ReportSection.Part {
            // γ spans decades on both sides of zero, so that its places are drawn at equal distances.
            Chart.lines(
                title, caption: "Median of three repetitions, with least and largest; γ = \(text(decays.map(Double.init))).",
                x: .init("setting of γ, from −1 to 1"), y: y,
                distributions.enumerated().map { d, distribution in
                    let rows = table(values, d)
                    return .init(
                        name: distribution.name, points: rows.enumerated().map { (Double($0 + 1), median($1)) },
                        spread: rows.map { ($0.min()!, $0.max()!) })
                })
        }
        return Findings(
            claims: claims,
            parts: [
                chart("Features represented", shares, y: .init("φ½", domain: 0...1)),
                chart("Dimensions in use", used, y: .init("ΣDᵢ / m", domain: 0...1.05)),
            ] + [0, 2, 5].map { Chart.embeddings("Equal densities, γ = \(decays[$0])", geometries[$0 * 3]) })
    }
}
