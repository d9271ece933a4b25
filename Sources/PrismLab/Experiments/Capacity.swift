import PrismAtlas
import PrismTensor

extension Experiment {
    static let capacity = Experiment(
        "capacity", title: "Kurtosis decides who shares a dimension", topic: .capacity,
        source: "Scherlis et al. 2022", expectedSeconds: 12,
        explanation: """
            Two features in one dimension, the second half as important. At each density their values, while active, are \
            uniform in [a, 1]: the closer a is to 1, the lower the kurtosis and the more an antipodal pair loses when both \
            are active. Theory tells the density at which sharing stops to pay, by closed form and by the exact loss at the \
            best scale and bias; the trained border lies between the densities at which the best of 8 trainings changes. \
            Capacity Cᵢ = (Wᵢ·Wᵢ)² / Σⱼ (Wᵢ·Wⱼ)² is the same number as Dᵢ, here checked on the trained models.
            """
    ) { lab in
        let importance = 0.5
        let leasts = [0, 0.2, 0.5]
        let spacing = 0.025
        let densities = (10...22).map { spacing * Double($0) }
        let cells = leasts.flatMap { least in densities.map { (least: least, density: $0) } }
        let trained = try PhaseOracle.best(
            of: cells.map { cell in
                var configuration = PhaseOracle.configuration(
                    importance: importance, density: cell.density, hidden: 1, seed: lab.seed)
                configuration.features.least = Float(cell.least)
                return configuration
            }, in: lab
        ).map(\.model.embeddings)

        let borders = leasts.indices.map { i -> (closedForm: Double, best: Double, trained: Double) in
            let values = ActiveValues(least: leasts[i])
            func border(_ winners: (PhaseOracle) -> [PhaseOracle.Phase]) -> Double {
                // Bisection: sharing pays below the border alone.
                var (low, high) = (0.0, 1.0)
                for _ in 0..<30 {
                    let oracle = PhaseOracle(
                        importance: importance, density: (low + high) / 2, hidden: 1, values: values)
                    if winners(oracle) == [.extraAntipodal] { low = (low + high) / 2 } else { high = (low + high) / 2 }
                }
                return low
            }
            let sharing = densities.indices.prefix { column in
                PhaseOracle.Phase(of: trained[i * densities.count + column]) == .extraAntipodal
            }.count
            return (border(\.winners), border(\.bestWinners), densities[0] + spacing * (Double(sharing) - 0.5))
        }
        let kurtosis = leasts.map { ActiveValues(least: $0).kurtosis(density: 0.3) }
        let errors = borders.map { abs($0.trained - $0.best) }
        let identity = trained.map { w -> Double in
            let (a, b) = (Double(w[0][0]), Double(w[1][0]))
            let capacity = [
                a * a * a * a / (a * a * a * a + a * a * b * b), b * b * b * b / (b * b * b * b + a * a * b * b),
            ]
            return zip(capacity, FeatureGeometry(w).dimensionality).map { abs($0 - $1) }.max()!
        }
        func list(_ values: [Double]) -> String { values.map { Claim.text($0, 3) }.joined(separator: ", ") }
        return Findings(
            claims: [
                Claim(
                    "capacity equals dimensionality in every trained model", published: "Cᵢ = Dᵢ",
                    got: "off by \(Claim.text(identity.max()!, 1)) at most", values: identity,
                    criterion: "within 1e-9", holds: identity.allSatisfy { $0 < 1e-9 }),
                Claim(
                    "the border falls with the kurtosis", published: "kurtosis moves the border",
                    closedForm: list(borders.map(\.best)), got: list(borders.map(\.trained)),
                    values: borders.map(\.trained), criterion: "lower for each larger a",
                    holds: zip(borders, borders.dropFirst()).allSatisfy { $0.trained > $1.trained }),
                Claim(
                    "trained border beside the exact loss's", closedForm: list(borders.map(\.best)),
                    got: list(borders.map(\.trained)), values: errors,
                    criterion: "within 0.025, the spacing of densities", holds: errors.allSatisfy { $0 <= spacing }),
            ],
            parts: [
                Chart.lines(
                    "Density below which two features share a dimension",
                    x: .init("kurtosis of a feature at density 0.3"), y: .init("density", domain: 0...0.7),
                    [
                        .init(
                            name: "closed form", points: zip(kurtosis, borders).map { ($0, $1.closedForm) },
                            isTheory: true),
                        .init(
                            name: "best scale and bias", points: zip(kurtosis, borders).map { ($0, $1.best) },
                            isTheory: true),
                        .init(
                            name: "trained", points: zip(kurtosis, borders).map { ($0, $1.trained) },
                            spread: borders.map { ($0.trained - spacing / 2, $0.trained + spacing / 2) }),
                    ])
            ])
    }
}
