import PrismAtlas
import PrismTensor

extension Experiment {
    static let quantisation = Experiment(
        "quantisation", title: "Features kept at few bits, and bits for each feature", topic: .design,
        source: "derived here; Max 1960 for the rounding error", expectedSeconds: 10,
        explanation: """
            A trained code of 256 features (density 0.02) in 64 dimensions has its weights rounded to 8, 4, 3 and 2 bits, \
            each row with its best spacing, and nothing is trained again. A feature is kept if its error stays within twice \
            what it was at full precision. Theory: normal weights lose a share q of their variance (0.0129 at 4 bits, 0.190 \
            at 2), and the layer acts as one of m/(1 + q)² dimensions. Bits for each feature are the weights' bits, n·m·b, \
            over the features kept; the fewest bits tried are 2, and the price is still falling there.
            """
    ) { lab in
        let (count, width, density) = (256, 64, 0.02)
        let trained = try lab.train(
            lab.seeds(3).map { .designed(features: count, density: Float(density), width: width, seed: $0) })
        let layer = SuperposedLayer(features: count, density: density)
        let bits = [8, 4, 3, 2]
        let samples = trained[0].model.configuration.features.samples(20_000, seed: lab.seed, stream: "quantisation")
        let exact = trained.map { $0.model.errors(on: samples) }
        /// For each number of bits and seed: the error over that at full precision, and the features kept.
        let found = bits.map { bits in
            zip(trained, exact).map { result, exact -> (growth: Double, kept: Double) in
                let model = result.model.copy()
                model.set(embeddings: UniformQuantiser(bits: bits).rounding(model.embeddings))
                let errors = model.errors(on: samples)
                return (
                    errors.reduce(0, +) / exact.reduce(0, +), Double(zip(errors, exact).count { $0 <= 2 * $1 })
                )
            }
        }
        let whole = layer.theory(share: layer.share(width: Double(width)))
        let predicted = bits.map { bits in
            layer.theory(
                share: layer.share(width: Double(width), weightNoise: UniformQuantiser.normalError(bits: bits))) / whole
        }
        func series(_ name: String, _ value: ((growth: Double, kept: Double)) -> Double) -> Chart.Series {
            .init(name, repetitions: zip(bits, found).map { (Double($0), $1.map(value)) })
        }
        let costs = zip(bits, found).map { bits, seeds in
            (x: Double(bits), y: Double(count * width * bits) / max(1, seeds.map(\.kept).median))
        }
        let growth = found.map { $0.map(\.growth).median }
        return Findings(
            claims: [
                Claim(
                    "features kept at 4 bits, of 256", spread: found[1].map(\.kept), criterion: "at least 99%",
                    holds: { $0 >= 0.99 * Double(count) }),
                Claim(
                    "features kept at 2 bits, of 256", spread: found[3].map(\.kept), criterion: "fewer than at 4 bits",
                    holds: { $0 < found[1].map(\.kept).median }),
                Claim(
                    "error at 3 and 2 bits over that at full precision",
                    closedForm: predicted[2...].map { Claim.text($0, 3) }.joined(separator: ", "),
                    got: growth[2...].map { Claim.text($0, 3) }.joined(separator: ", "), values: growth,
                    criterion: "growth within a factor of 1.5 of theory's at both",
                    holds: (2..<4).allSatisfy { (1 / 1.5...1.5).contains(growth[$0] / predicted[$0]) }),
                Claim(
                    "bits for each feature kept are fewest at",
                    got:
                        "\(Int(costs.min { $0.y < $1.y }!.x)) bits a weight (\(costs.map { "\(Int($0.x)): \(Claim.text($0.y, 3))" }.joined(separator: ", ")))",
                    values: costs.map(\.y), criterion: "fewer than 8 bits a weight",
                    holds: costs.min { $0.y < $1.y }!.x < 8),
            ],
            parts: [
                Chart.lines(
                    "Error", x: .init("bits of a weight"), y: .init("error over that at full precision", log: true),
                    [
                        .init(name: "theory", points: zip(bits, predicted).map { (Double($0), $1) }, isTheory: true),
                        series("trained", \.growth),
                    ]),
                Chart.lines(
                    "Features kept", x: .init("bits of a weight"), y: .init("of 256"), [series("trained", \.kept)]),
                Chart.lines(
                    "Price of a feature", x: .init("bits of a weight"),
                    y: .init("bits of weights for each feature kept", log: true),
                    [.init(name: "trained", points: costs)]),
            ])
    }
}
