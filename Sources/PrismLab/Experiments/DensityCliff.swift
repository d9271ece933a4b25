import PrismAtlas
import PrismTensor

extension Experiment {
    static let densityCliff = Experiment(
        "density-cliff", title: "What happens when features come more often than in training", topic: .design,
        source: "derived here", expectedSeconds: 15,
        explanation: """
            A code is trained at one density and met by others: its biases cut off the interference that it knew, and let \
            through what exceeds it. Error is loss over energy at the density met, for models of 256 features in 64 \
            dimensions trained at three densities. Theory: the spread's closed form with scale and bias held fixed; it is \
            what “prism design” calls the density at which the error doubles. One training for each density. That the cliff is \
            nearer the denser the training was a guess made before; theory has it the other way.
            """
    ) { lab in
        let (count, width) = (256, 64)
        let densities = [0.005, 0.02, 0.05]
        let factors = [1, 1.5, 2, 3, 4, 6, 8, 10]
        let trained = try lab.train(
            densities.map { .designed(features: count, density: Float($0), width: width, seed: lab.seed) })
        let curves = zip(densities, trained).map { density, result in
            factors.map { factor -> Double in
                var features = result.model.configuration.features
                features.density = [Float(min(1, density * factor))]
                let samples = features.samples(16_384, seed: lab.seed, stream: "density cliff")
                return result.model.loss(on: samples) / features.energy
            }
        }
        let theory = densities.map { density in
            let spread = FeatureKind.spread(dimensions: Double(width) / Double(count), density: density)
            return factors.map { factor in
                FeatureKind.spreadLoss(
                    dimensions: spread.dimensions, density: density * factor, scale: spread.scale, bias: spread.bias)
                    / (density * factor / 3)
            }
        }
        /// The factor at which a curve has doubled, on straight lines between its points.
        func doubling(_ curve: [Double]) -> Double {
            guard let after = curve.firstIndex(where: { $0 >= 2 * curve[0] }) else { return .infinity }
            let (a, b) = (curve[after - 1], curve[after])
            return factors[after - 1] + (2 * curve[0] - a) / (b - a) * (factors[after] - factors[after - 1])
        }
        let (found, expected) = (curves.map(doubling), theory.map(doubling))
        func list(_ values: [Double]) -> String { values.map { Claim.text($0, 3) }.joined(separator: ", ") }
        return Findings(
            claims: [
                Claim(
                    "density over that of training at which the error doubles, for p = 0.005, 0.02, 0.05",
                    closedForm: list(expected), got: list(found), values: found,
                    criterion: "within 30% of theory at all three",
                    holds: zip(found, expected).allSatisfy { abs($0 / $1 - 1) < 0.3 }),
                Claim(
                    "the denser the training, the nearer the cliff", got: list(found), values: found,
                    criterion: "falls from the first to the last", holds: found[0] > found[2]),
            ],
            parts: [
                Chart.lines(
                    "Error beyond the density of training", caption: "dashed: theory",
                    x: .init("density over that of training", log: true), y: .init("error", log: true),
                    densities.indices.flatMap { i -> [Chart.Series] in
                        [
                            .init(name: "p = \(densities[i])", points: zip(factors, curves[i]).map { ($0, $1) }),
                            .init(
                                name: "theory, p = \(densities[i])", points: zip(factors, theory[i]).map { ($0, $1) },
                                isTheory: true),
                        ]
                    })
            ])
    }
}
