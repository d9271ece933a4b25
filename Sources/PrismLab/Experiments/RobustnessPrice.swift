import PrismAtlas
import PrismTensor

extension Experiment {
    static let robustnessPrice = Experiment(
        "robustness-price", title: "What each feature per dimension costs in robustness", topic: .design,
        source: "derived here; the attack of Elhage et al. 2022", expectedSeconds: 20,
        explanation: """
            100 features of density 0.02 are packed into fewer and fewer dimensions, three trainings each, and attacked as in \
            “adversarial”: inputs move by a tenth of their mean norm along the direction that moves one output most. The \
            price is the slope of vulnerability (rise of the loss over ε²; 1 where features are kept apart) against features \
            per dimension. A linear readout of a tight frame would pay (n/m)²; the ReLU's threshold saves a part where many features share a dimension. The same \
            layers trained against such attacks (along ∂L/∂x) show what buying robustness back costs in loss.
            """
    ) { lab in
        let (features, density) = (100, Float(0.02))
        let widths = [80, 56, 40, 28, 20, 14]
        let repetitions = 3
        let radius = 0.1 * FeatureDistribution(count: features, density: [density]).meanNorm(seed: lab.seed)
        func configurations(radius: Double) -> [ToyConfiguration] {
            widths.flatMap { width in
                lab.seeds(repetitions).map { seed in
                    var configuration = ToyConfiguration.designed(
                        features: features, density: density, width: width, seed: seed)
                    configuration.adversarialRadius = Float(radius)
                    return configuration
                }
            }
        }
        let plain = configurations(radius: 0)
        let trained = try lab.train(plain + configurations(radius: radius))
        let vulnerabilities = lab.workers.map(trained.count, by: 1) { _, range in
            trained[range.lowerBound].model.vulnerability(radius: radius, seed: lab.seed)
        }
        // Losses without an attack, of both kinds on the same samples.
        let samples = plain[0].features.samples(16_384, seed: lab.seed, stream: "robustness price")
        let losses = trained.map { $0.model.loss(on: samples) / plain[0].features.energy }
        let perDimension = plain.map { Double(features) / Double($0.hidden) }
        let points = (0..<repetitions).map { repetition in
            stride(from: repetition, to: plain.count, by: repetitions).map {
                (x: perDimension[$0], y: vulnerabilities[$0])
            }
        }
        // At five features per dimension.
        let middle = widths.firstIndex(of: 20)! * repetitions..<(widths.firstIndex(of: 20)! + 1) * repetitions
        let kept = middle.map { vulnerabilities[plain.count + $0] / vulnerabilities[$0] }
        let paid = middle.map { losses[plain.count + $0] - losses[$0] }
        func series(_ name: String, _ values: [Double], from start: Int) -> Chart.Series {
            .init(
                name,
                repetitions: widths.indices.map { w in
                    let first = start + w * repetitions
                    return (perDimension[w * repetitions], Array(values[first..<first + repetitions]))
                })
        }
        func chart(_ title: String, _ values: [Double], y: String, theory: [Chart.Series] = []) -> ReportSection.Part {
            Chart.lines(
                title, caption: "Median of three trainings, with least and largest.",
                x: .init("features per dimension", log: true), y: .init(y, log: true),
                theory + [
                    series("trained", values, from: 0),
                    series("trained against attacks", values, from: plain.count),
                ])
        }
        return Findings(
            claims: [
                Claim(
                    "vulnerability paid for each further feature per dimension", spread: points.map { Line($0).slope },
                    criterion: "above 0", holds: { $0 > 0 }),
                Claim(
                    "vulnerability as a power of features per dimension", published: "grows with it",
                    closedForm: "2 without the threshold", spread: points.map { PowerLaw($0).exponent },
                    criterion: "from 1 to 2", holds: { (1...2).contains($0) }),
                Claim(
                    "share of it left after training against attacks, at 5 features per dimension", spread: kept,
                    criterion: "below 1", holds: { $0 < 1 }),
                Claim(
                    "loss paid for that, in units of the energy", spread: paid, criterion: "above 0",
                    holds: { $0 > 0 }),
            ],
            parts: [
                chart(
                    "Vulnerability", vulnerabilities, y: "rise of the loss / ε²",
                    theory: [
                        .init(
                            name: "tight frame, no threshold",
                            points: widths.map {
                                let load = Double(features) / Double($0)
                                return (load, load * load)
                            }, isTheory: true)
                    ]),
                chart("Loss without an attack", losses, y: "loss over energy"),
            ])
    }
}
