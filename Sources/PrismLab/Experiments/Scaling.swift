import PrismAtlas
import Foundation
import PrismTensor

extension Experiment {
    static let scaling = Experiment(
        "scaling", title: "Loss against width in strong and weak superposition", topic: .capacity,
        source: "Liu et al. 2025", expectedSeconds: 75,
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
        let repetitions = 3
        func trained(_ widths: [Int], features: Int, exponent: Double, decay: Float) throws -> [[TrainedToy]] {
            let all = try lab.train(
                widths.flatMap { width in
                    lab.seeds(repetitions).map {
                        Self.autoencoder(
                            features: features, hidden: width, exponent: exponent, decay: decay, seed: $0)
                    }
                })
            return widths.indices.map { Array(all[$0 * repetitions..<($0 + 1) * repetitions]) }
        }
        let flat = try trained(flatWidths, features: 1000, exponent: 0, decay: -1)
        let strong = try trained(widths, features: 500, exponent: 2, decay: -1)
        let weak = try trained(widths, features: 500, exponent: 2, decay: 1)
        /// The exponent of each repetition.
        func exponents(_ group: [[TrainedToy]]) -> [Double] {
            (0..<repetitions).map { repetition in
                -PowerLaw(
                    group.map { (x: Double($0[repetition].model.configuration.hidden), y: $0[repetition].loss) }
                ).exponent
            }
        }
        func share(_ toy: TrainedToy) -> Double { FeatureGeometry(toy.model.embeddings).representedShare }
        func series(_ name: String, _ group: [[TrainedToy]], _ value: (TrainedToy) -> Double) -> Chart.Series {
            .init(
                name,
                repetitions: group.reversed().map { (Double($0[0].model.configuration.hidden), $0.map(value)) })
        }
        let wide = [200, 400].map { (x: Double($0), y: RandomCodeLoss(features: 1000, hidden: $0).least) }
        let limit = -PowerLaw(wide).exponent
        let closedForm = lab.workers.map(flatWidths.count, by: 1) { _, i in
            (
                x: Double(flatWidths[i.lowerBound]),
                y: RandomCodeLoss(features: 1000, hidden: flatWidths[i.lowerBound]).least
            )
        }
        return Findings(
            claims: [
                Claim(
                    "γ = −1 represents every feature (φ½)", published: "1",
                    spread: (flat + strong).flatMap { $0.map(share) },
                    criterion: "above 0.99", holds: { $0 > 0.99 }),
                Claim(
                    "flat frequencies, strong superposition: loss ∝ 1/m", published: "exponent 1; language models 0.91",
                    closedForm: "\(Claim.text(-PowerLaw(closedForm).exponent, 3)) from 10 to 100 dimensions",
                    spread: exponents(flat), criterion: "exponent from 0.8 to 1.15",
                    holds: { (0.8...1.15).contains($0) }),
                Claim(
                    "closed form, 200 to 400 dimensions: loss ∝ 1/m", published: "exponent 1",
                    got: Claim.text(limit, 3),
                    values: [limit], criterion: "exponent from 0.8 to 1.15", holds: (0.8...1.15).contains(limit)),
                Claim(
                    "α = 2, strong superposition: exponent 2(α − 1)", published: "2",
                    spread: exponents(strong), criterion: "within 0.3 of 2", holds: { abs($0 - 2) < 0.3 }),
                Claim(
                    "α = 2, weak superposition: exponent α − 1", published: "1",
                    closedForm: "1.03 if the m most frequent are kept and no others", spread: exponents(weak),
                    criterion: "within 0.3 of 1", holds: { abs($0 - 1) < 0.3 }),
                Claim(
                    "α = 2, weak superposition: features represented for each dimension", published: "1",
                    spread: weak.flatMap { $0.map { share($0) * 500 / Double($0.model.configuration.hidden) } },
                    criterion: "below 1.5", holds: { $0 < 1.5 }),
            ],
            parts: [
                Chart.lines(
                    "Loss against width", x: .init("hidden dimensions m", log: true), y: .init("loss", log: true),
                    height: 300,
                    [
                        series("flat, γ = −1", flat, \.loss), series("α = 2, γ = −1", strong, \.loss),
                        series("α = 2, γ = 1", weak, \.loss),
                        .init(name: "random code", points: closedForm.reversed(), isTheory: true),
                    ]),
                Chart.lines(
                    "Features represented", caption: "φ½: the share of features with ‖Wᵢ‖ > ½.",
                    x: .init("hidden dimensions m", log: true), y: .init("φ½", domain: 0...1.05),
                    [series("α = 2, γ = −1", strong, share), series("α = 2, γ = 1", weak, share)]),
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
