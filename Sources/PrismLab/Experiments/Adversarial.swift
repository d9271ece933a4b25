import Foundation
import PrismAtlas
import PrismTensor

extension Experiment {
    static let adversarial = Experiment(
        "adversarial", title: "Superposition makes a model vulnerable", topic: .toyModels,
        source: "Elhage et al. 2022, “Superposition and adversarial examples”; Gorton and Lewis 2025",
        expectedSeconds: 19,
        explanation: """
            100 equally important features in 20 dimensions, at ten densities, three repetitions each (3000 steps of 512 \
            samples). The attack: 256 held-out samples are moved by ε, a tenth of the mean input norm at that density, along \
            the direction in which one output moves most, the row (WᵀW)ᵢ, forwards or backwards; of all 100 outputs the one \
            that raises a sample's loss most counts. Vulnerability is the mean rise of the loss divided by ε²: it is 1 where \
            a model keeps features apart and the attack can only move one of them. Features per dimension are ‖W‖²/m. Some \
            models are then trained against attacks of the same size along ∂L/∂x. (At the least densities hardly any \
            features are added, and vulnerability falls again.)
            """
    ) { lab in
        let densities = (0..<10).map { Float(pow(0.01, Double($0) / 9)) }
        func configurations(_ density: Float, radius: Float = 0) -> [ToyConfiguration] {
            var configuration = ToyConfiguration(FeatureDistribution(count: 100, density: [density]), hidden: 20)
            (configuration.batch, configuration.steps) = (512, 3000)
            (configuration.learningRate, configuration.decaysRate) = (3e-3, true)
            configuration.adversarialRadius = radius
            return lab.seeds(3).map { seed in
                configuration.seed = seed
                return configuration
            }
        }
        let radii = densities.map {
            0.1 * FeatureDistribution(count: 100, density: [$0]).meanNorm(seed: lab.seed)
        }
        // Adversarial training is slower, and the slowest go first.
        let defended = [6, 7, 8]
        let trained = try lab.train(
            defended.flatMap { configurations(densities[$0], radius: Float(radii[$0])) }
                + densities.flatMap { configurations($0) })
        let places = defended + Array(densities.indices)
        let vulnerabilities = lab.workers.map(trained.count, by: 1) { _, range in
            trained[range.lowerBound].model.vulnerability(
                radius: radii[places[range.lowerBound / 3]], seed: lab.seed)
        }
        let perDimension = trained.map { 1 / FeatureGeometry($0.model.embeddings).dimensionsPerFeature }
        /// Of three repetitions.
        func triple(_ values: [Double], _ place: Int) -> [Double] { Array(values[place * 3..<place * 3 + 3]) }
        let plain = densities.indices.map { defended.count + $0 }
        let ratios = plain.map { triple(vulnerabilities, $0).median }
        let features = plain.map { triple(perDimension, $0).median }
        let rank = Double.rankCorrelation(ratios, features)
        let rises = zip(triple(vulnerabilities, plain.last!), triple(vulnerabilities, plain[0])).map { $0 / $1 }
        let changes = defended.indices.flatMap { i in
            zip(triple(perDimension, i), triple(perDimension, plain[defended[i]])).map { $0 / $1 }
        }
        func series(_ name: String, _ values: [Double], _ chosen: [Int]) -> Chart.Series {
            .init(name, repetitions: chosen.map { (Double(densities[places[$0]]), triple(values, $0)) })
        }
        func chart(_ title: String, _ values: [Double], y: String) -> ReportSection.Part {
            Chart.lines(
                title, caption: "Median of three repetitions, with least and largest.", x: .init("density", log: true),
                y: .init(y),
                [
                    series("trained without attacks", values, plain),
                    series("trained against attacks", values, Array(defended.indices)),
                ])
        }
        return Findings(
            claims: [
                Claim(
                    "vulnerability at density 0.01 over that at density 1", published: "over 3", spread: rises,
                    criterion: "> 3", holds: { $0 > 3 }),
                Claim(
                    "rank correlation of vulnerability and features per dimension, over densities",
                    published: "the curves coincide", got: Claim.text(rank, 3), values: [rank], criterion: "> 0.9",
                    holds: rank > 0.9),
                Claim(
                    "features per dimension of a model trained against attacks over those of one that was not",
                    published: "less superposition (Gorton and Lewis)", spread: changes, criterion: "< 1",
                    holds: { $0 < 1 }),
            ],
            parts: [
                chart("Vulnerability", vulnerabilities, y: "rise of the loss / ε²"),
                chart("Features per dimension", perDimension, y: "‖W‖² / m"),
                Chart.scatter(
                    "Each model", x: .init("features per dimension"), y: .init("vulnerability"),
                    [
                        (
                            "trained without attacks",
                            zip(perDimension, vulnerabilities).dropFirst(9).map { ($0, $1) }
                        ), ("trained against attacks", zip(perDimension, vulnerabilities).prefix(9).map { ($0, $1) }),
                    ]),
            ])
    }
}

extension Double {
    /// Spearman's, of values without ties.
    fileprivate static func rankCorrelation(_ a: [Double], _ b: [Double]) -> Double {
        func ranks(_ values: [Double]) -> [Int] { values.map { value in values.count { $0 < value } } }
        let n = Double(a.count)
        let sum = zip(ranks(a), ranks(b)).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
        return 1 - 6 * sum / (n * (n * n - 1))
    }
}
