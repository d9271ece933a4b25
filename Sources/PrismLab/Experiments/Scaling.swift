import Foundation
import PrismTensor

extension Experiment {
    static let scaling = Experiment(
        "scaling", title: "Loss against width in strong and weak superposition", topic: .capacity,
        source: "Liu et al. 2025", expectedSeconds: 40,
        explanation: """
            The ReLU output model with features of Bern(pᵢ)·U(0, 2), pᵢ ∝ i^−α and Σpᵢ = 1. A weight decay γ = −1, which \
            pulls every embedding to length one, forces all features to be represented (φ½ = 1: strong superposition); \
            γ = 1 leaves the rare ones out (weak). Published: the loss falls as 1/m in strong superposition when \
            frequencies are flat and as m^−2(α − 1) when they are steep, as m^−(α − 1) in weak; that of language models as \
            m^−0.91 ± 0.04. Flat frequencies have 1000 features and 10 to 100 dimensions, as published, with a twentieth of \
            the 20,000 steps of 2048 samples; steep ones 500 features. The dashed line is the closed form for random codes with one \
            active feature: it is steeper than 1/m as long as m is not well above log n, where a bias must cut off the \
            overlaps, and 1/m beyond.
            """
    ) { lab in
        let (flatWidths, widths) = ([100, 63, 40, 25, 16, 10], [64, 32, 16, 8])
        let flat = flatWidths.map {
            Self.autoencoder(features: 1000, hidden: $0, exponent: 0, decay: -1, seed: lab.seed)
        }
        let strong = widths.map { Self.autoencoder(features: 500, hidden: $0, exponent: 2, decay: -1, seed: lab.seed) }
        let weak = widths.map { Self.autoencoder(features: 500, hidden: $0, exponent: 2, decay: 1, seed: lab.seed) }
        let trained = try lab.train(flat + strong + weak)
        func points(_ range: Range<Int>) -> [(x: Double, y: Double)] {
            range.reversed().map { (Double(trained[$0].model.configuration.hidden), trained[$0].loss) }
        }
        let groups = [points(0..<6), points(6..<10), points(10..<14)]
        let laws = groups.map { PowerLaw($0) }
        let exponents = laws.map { -$0.exponent }
        let shares = trained.map { FeatureGeometry($0.model.embeddings).representedShare }
        let wide = [200, 400].map { (x: Double($0), y: RandomCodeLoss(features: 1000, hidden: $0).least) }
        let limit = -PowerLaw(wide).exponent
        let closedForm = lab.workers.map(flatWidths.count, by: 1) { _, i in
            (
                x: Double(flatWidths[i.lowerBound]),
                y: RandomCodeLoss(features: 1000, hidden: flatWidths[i.lowerBound]).least
            )
        }
        func exponent(_ group: Int) -> String {
            "\(Claim.text(exponents[group], 3)) (R² \(Claim.text(laws[group].fit, 3)))"
        }
        return Findings(
            claims: [
                Claim(
                    "γ = −1 represents every feature (least φ½)", published: "1", spread: [shares[..<10].min()!],
                    criterion: "above 0.99", holds: { $0 > 0.99 }),
                Claim(
                    "flat frequencies, strong superposition: loss ∝ 1/m", published: "exponent 1; language models 0.91",
                    closedForm: "\(Claim.text(-PowerLaw(closedForm).exponent, 3)) from 10 to 100 dimensions",
                    got: exponent(0),
                    values: [exponents[0]], criterion: "exponent from 0.8 to 1.15",
                    holds: (0.8...1.15).contains(exponents[0])),
                Claim(
                    "closed form, 200 to 400 dimensions: loss ∝ 1/m", published: "exponent 1",
                    got: Claim.text(limit, 3),
                    values: [limit], criterion: "exponent from 0.8 to 1.15", holds: (0.8...1.15).contains(limit)),
                Claim(
                    "α = 2, strong superposition: exponent 2(α − 1)", published: "2", got: exponent(1),
                    values: [exponents[1]], criterion: "within 0.3 of 2", holds: abs(exponents[1] - 2) < 0.3),
                Claim(
                    "α = 2, weak superposition: exponent α − 1", published: "1", got: exponent(2),
                    values: [exponents[2]], criterion: "within 0.3 of 1", holds: abs(exponents[2] - 1) < 0.3),
            ],
            parts: [
                Chart.lines(
                    "Loss against width", x: .init("hidden dimensions m", log: true), y: .init("loss", log: true),
                    height: 300,
                    [
                        .init(name: "flat, γ = −1", points: groups[0]),
                        .init(name: "α = 2, γ = −1", points: groups[1]),
                        .init(name: "α = 2, γ = 1", points: groups[2]),
                        .init(name: "random code", points: closedForm.reversed(), isTheory: true),
                    ]),
                Chart.lines(
                    "Features represented", caption: "φ½: the share of features with ‖Wᵢ‖ > ½.",
                    x: .init("hidden dimensions m", log: true), y: .init("φ½", domain: 0...1.05),
                    ["α = 2, γ = −1", "α = 2, γ = 1"].enumerated().map { i, name in
                        .init(
                            name: name,
                            points: widths.indices.reversed().map { (Double(widths[$0]), shares[6 + 4 * i + $0]) })
                    }),
            ])
    }

    static func autoencoder(
        features n: Int, hidden: Int, exponent: Double, decay: Float, seed: UInt64
    ) -> ToyConfiguration {
        let density = FeatureDistribution.zipf(n, exponent: exponent, total: 1)
        var configuration = ToyConfiguration(
            FeatureDistribution(count: n, density: density, greatest: 2), hidden: hidden)
        (configuration.optimiser, configuration.weightDecay) = (.adamW, decay)
        configuration.initialScale = 1 / Float(hidden).squareRoot()
        (configuration.batch, configuration.steps, configuration.warmup) = (512, 4000, 400)
        (configuration.learningRate, configuration.decaysRate, configuration.seed) = (1e-2, true, seed)
        return configuration
    }
}
