import Foundation
import PrismAtlas
import PrismTensor

extension Experiment {
    static let lossWidth = Experiment(
        "loss-width", title: "Loss against width where φ½ is held", topic: .design,
        source: "after Liu et al. 2025", expectedSeconds: 25,
        explanation: """
            256 equally frequent features of density 0.02 in 16 to 128 dimensions, with AdamW's γ from −1, which represents \
            every feature (φ½ = 1), to 1, which leaves features out. For each γ the exponent of loss ∝ m^−a over all widths, \
            beside the mean φ½ that it holds: whether what a wider layer is worth depends on how it is filled. One training \
            for each cell. At this density all γ represent over 0.9 of the features, and the exponents hardly differ.
            """
    ) { lab in
        let widths = [128, 64, 32, 16]
        let decays: [Float] = [-1, 0, 0.1, 1]
        let trained = try lab.train(
            decays.flatMap { decay in
                widths.map { width in
                    var configuration = ToyConfiguration.designed(
                        features: 256, density: 0.02, width: width, seed: lab.seed)
                    (configuration.optimiser, configuration.weightDecay) = (.adamW, decay)
                    return configuration
                }
            })
        let groups = decays.indices.map { i in
            zip(widths, trained[i * widths.count..<(i + 1) * widths.count]).map { (width: $0, toy: $1) }
        }
        let energy = trained[0].model.configuration.features.energy
        let curves = groups.map { $0.map { (x: Double($0.width), y: $0.toy.loss / energy) } }
        let exponents = curves.map { -PowerLaw($0).exponent }
        let shares = groups.map { group in
            group.map { FeatureGeometry($0.toy.model.embeddings).representedShare }.reduce(0, +) / Double(group.count)
        }
        let names = zip(decays, shares).map { "γ = \(Claim.text(Double($0), 1)), φ½ \(Claim.text($1, 2))" }
        return Findings(
            claims: [
                Claim(
                    "γ = −1 holds φ½ at 1", got: Claim.text(shares[0], 3), values: shares, criterion: "above 0.99",
                    holds: shares[0] > 0.99),
                Claim(
                    "strong decay leaves features out", got: Claim.text(shares[3], 3), values: [shares[3]],
                    criterion: "φ½ below that at γ = 0", holds: shares[3] < shares[1]),
                Claim(
                    "a wider layer is worth more where all features are represented",
                    got: zip(names, exponents).map { "\($0): exponent \(Claim.text($1, 3))" }.joined(separator: "; "),
                    values: exponents, criterion: "exponent at γ = −1 above that at γ = 1",
                    holds: exponents[0] > exponents[3]),
            ],
            parts: [
                Chart.lines(
                    "Loss against width", x: .init("hidden dimensions", log: true),
                    y: .init("loss over energy", log: true),
                    zip(names, curves).map { .init(name: $0, points: $1) })
            ])
    }
}
