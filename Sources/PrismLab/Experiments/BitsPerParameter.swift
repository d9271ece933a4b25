import PrismAtlas
import PrismTensor

extension Experiment {
    static let bitsPerParameter = Experiment(
        "bits-per-parameter", title: "Few exact weights, or many coarse ones", topic: .design,
        source: "derived here; Max 1960 for the rounding error", expectedSeconds: 20,
        explanation: """
            256 features of density 0.02 may use a fixed number of bits for their weights, n·m·b: as many as a layer of 24 \
            dimensions at 8 bits. Layers of 24, 32, 48, 64 and 96 dimensions are trained and then rounded to 8, 6, 4, 3 and \
            2 bits, each row with its best spacing. Coarse weights, with a share q of their variance lost, act as if the layer \
            were (1 + q)² times narrower; a wider layer has that to spare. Theory tells how many bits a parameter should \
            have; its answer, 2, is the coarsest that was tried, so that fewer might do as well.
            """
    ) { lab in
        let (count, density) = (256, 0.02)
        let splits: [(width: Int, bits: Int)] = [(24, 8), (32, 6), (48, 4), (64, 3), (96, 2)]
        let repetitions = 3
        let trained = try lab.train(
            splits.flatMap { split in
                lab.seeds(repetitions).map {
                    .designed(features: count, density: Float(density), width: split.width, seed: $0)
                }
            })
        let distribution = trained[0].model.configuration.features
        let samples = distribution.samples(20_000, seed: lab.seed, stream: "bits per parameter")
        let errors = splits.indices.map { split in
            (0..<repetitions).map { repetition in
                let model = trained[split * repetitions + repetition].model.copy()
                model.set(embeddings: UniformQuantiser(bits: splits[split].bits).rounding(model.embeddings))
                return model.loss(on: samples) / distribution.energy
            }
        }
        let layer = SuperposedLayer(features: count, density: density)
        let predicted = splits.map { split in
            layer.error(
                share: layer.share(
                    width: Double(split.width), weightNoise: UniformQuantiser.normalError(bits: split.bits)))
        }
        func best(_ values: [Double]) -> Int { splits[values.indices.min { values[$0] < values[$1] }!].bits }
        let winners = (0..<repetitions).map { repetition in best(errors.map { $0[repetition] }) }
        return Findings(
            claims: [
                Claim(
                    "bits of a parameter at which the error is least, at equal memory",
                    closedForm: "\(best(predicted))", spread: winners.map(Double.init),
                    criterion: "theory's, or next to it",
                    holds: { found in
                        let order = splits.map { Double($0.bits) }
                        return abs(order.firstIndex(of: found)! - order.firstIndex(of: Double(best(predicted)))!) <= 1
                    }),
                Claim(
                    "error at 8 bits over that at 4, of the same memory",
                    closedForm: Claim.text(predicted[0] / predicted[2], 3),
                    spread: (0..<repetitions).map { errors[0][$0] / errors[2][$0] },
                    criterion: "within a factor of 1.5 of theory's",
                    holds: { (1 / 1.5...1.5).contains($0 / (predicted[0] / predicted[2])) }),
            ],
            parts: [
                Chart.lines(
                    "Error at equal memory", caption: "Median of three trainings, with least and largest.",
                    x: .init("bits of a parameter"), y: .init("loss over energy", log: true),
                    [
                        .init(
                            name: "theory", points: zip(splits, predicted).map { (Double($0.bits), $1) }, isTheory: true
                        ),
                        .init("trained", repetitions: zip(splits, errors).map { (Double($0.bits), $1) }),
                    ])
            ])
    }
}
