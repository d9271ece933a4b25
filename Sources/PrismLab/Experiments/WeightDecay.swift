import Foundation
import PrismAtlas
import PrismTensor

extension Experiment {
    static let weightDecay = Experiment(
        "weight-decay", title: "Weight decay fights superposition, its opposite brings it", topic: .toyModels,
        source: "Liu et al. 2025", expectedSeconds: 10,
        explanation: """
            AdamW at six strengths γ of weight decay, three repetitions each (10,000 steps of 256 samples, η = 0.003). Positive γ \
            shrinks embeddings, negative γ pulls each towards length one. Two settings, in both of which only part of the \
            features is represented at γ = 0, so that there is room both ways: 100 features of density 0.2 in 20 dimensions, \
            and 200 with Zipf's pᵢ ∝ 1/i, one of them active on average, in 10. (At density 0.02, decay decides nothing: \
            all features are represented from γ = −1 to 1.) φ½ is the share of features with ‖Wᵢ‖ > ½, and ΣDᵢ/m how much of \
            the layer's dimensions they use. Whether decay brings or prevents superposition is contested; if it prevents it, \
            φ½ falls with γ.
            """
    ) { lab in
        let decays: [Float] = [-1, -0.1, 0, 0.01, 0.1, 1]
        let settings: [(name: String, features: FeatureDistribution, hidden: Int)] = [
            ("equal densities", FeatureDistribution(count: 100, density: [0.2]), 20),
            (
                "Zipf",
                FeatureDistribution(count: 200, density: FeatureDistribution.zipf(200, exponent: 1, total: 1)), 10
            ),
        ]
        let trained = try lab.train(
            settings.flatMap { setting in
                decays.flatMap { decay in
                    lab.seeds(3).map { seed in
                        var configuration = ToyConfiguration(setting.features, hidden: setting.hidden)
                        (configuration.optimiser, configuration.weightDecay) = (.adamW, decay)
                        (configuration.batch, configuration.steps) = (256, 10_000)
                        (configuration.learningRate, configuration.decaysRate) = (3e-3, true)
                        configuration.seed = seed
                        return configuration
                    }
                }
            })
        let geometries = trained.map { FeatureGeometry($0.model.embeddings) }
        let shares = geometries.map(\.representedShare)
        let used = geometries.map { $0.dimensionality.reduce(0, +) / Double($0.hiddenCount) }
        /// [decay][repetition] of one setting.
        func table(_ values: [Double], _ setting: Int) -> [[Double]] {
            decays.indices.map { d in
                let first = (setting * decays.count + d) * 3
                return Array(values[first..<first + 3])
            }
        }
        func text(_ values: [Double]) -> String { values.map { Claim.text($0, 2) }.joined(separator: ", ") }
        let claims = settings.enumerated().map { number, setting in
            let medians = table(shares, number).map(\.median)
            return Claim(
                "φ½ falls as γ rises, \(setting.name)", published: "γ < 0 strong, γ > 0 weak superposition",
                got: "\(text(medians)) for γ = \(text(decays.map(Double.init)))", values: medians,
                criterion: "never rises with γ; γ = −1 above γ = 0 above γ = 1, by 0.05 each",
                holds: zip(medians, medians.dropFirst()).allSatisfy { $0 >= $1 } && medians[0] > medians[2] + 0.05
                    && medians[2] > medians[5] + 0.05)
        }
        let forced = Claim(
            "φ½ at γ = −1, Zipf", published: "1", spread: table(shares, 1)[0], criterion: "> 0.95",
            holds: { $0 > 0.95 })
        func chart(_ title: String, _ values: [Double], y: Chart.Axis) -> ReportSection.Part {
            // γ spans decades on both sides of zero, so that its places are drawn at equal distances.
            Chart.lines(
                title,
                caption: "Median of three repetitions, with least and largest; γ = \(text(decays.map(Double.init))).",
                x: .init("place of γ in −1, −0.1, 0, 0.01, 0.1, 1"), y: y,
                settings.enumerated().map { number, setting in
                    .init(setting.name, repetitions: table(values, number).enumerated().map { (Double($0 + 1), $1) })
                })
        }
        return Findings(
            claims: claims + [forced],
            parts: [
                chart("Features represented", shares, y: .init("φ½", domain: 0...1)),
                chart("Dimensions in use", used, y: .init("ΣDᵢ / m", domain: 0...1.05)),
            ] + [0, 2, 5].map { Chart.embeddings("Equal densities, γ = \(decays[$0])", geometries[$0 * 3]) })
    }
}
