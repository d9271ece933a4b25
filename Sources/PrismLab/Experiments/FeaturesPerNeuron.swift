import Foundation
import PrismAtlas
import PrismTensor

extension Experiment {
    static let featuresPerNeuron = Experiment(
        "features-per-neuron", title: "How many features fit into a neuron at a given error", topic: .design,
        source: "derived here", expectedSeconds: 100,
        explanation: """
            ReLU output models of n equally important features in m dimensions, trained at densities from 0.003 to 0.1 and \
            a tenth to two fifths of a dimension for each feature, against the error that theory gives (the oracle's best \
            mixture of solids and a spread without structure; error: the loss over the features' energy). A correction for \
            learned codes is fitted to 18 models and held against five others, of sizes and densities between; this is what \
            “prism design” rests on. One training for each cell.
            """
    ) { lab in
        let cells = Cell.fitted + Cell.heldOut
        // The slowest first, so that no thread is left alone with one.
        let order = cells.indices.sorted { cells[$0].cost > cells[$1].cost }
        let losses = try lab.train(order.map { cells[$0].configuration(seed: lab.seed) }).map(\.loss)
        var trained = [Double](repeating: 0, count: cells.count)
        for (place, loss) in zip(order, losses) {
            trained[place] = loss / cells[place].configuration(seed: 0).features.energy
        }

        let theory = cells.map { $0.layer.theory(share: $0.share) }
        let expected = cells.map { $0.layer.error(share: $0.share) }
        let count = Cell.fitted.count
        let fit = Self.leastSquares(
            Cell.fitted.map { SuperposedLayer.terms(share: $0.share, density: $0.density) },
            (0..<count).map { log(trained[$0] / theory[$0]) })
        let ratios = (count..<cells.count).map { trained[$0] / expected[$0] }
        return Findings(
            claims: [
                Claim(
                    "theory alone tells the error of trained models",
                    got:
                        "trained over theory \(Claim.text(zip(trained, theory).map(/).min()!, 2)) to \(Claim.text(zip(trained, theory).map(/).max()!, 2))",
                    values: zip(trained, theory).map(/), criterion: "within a factor of 2 in every cell",
                    holds: zip(trained, theory).allSatisfy { (0.5...2).contains($0 / $1) }),
                Claim(
                    "with the correction it tells that of models that were not in the fit",
                    got: ratios.map { Claim.text($0, 3) }.joined(separator: ", ") + " of it", values: ratios,
                    criterion:
                        "within the 90% interval of a factor of \(Claim.text(SuperposedLayer.factor, 3)) in all but one",
                    holds: ratios.count { (1 / SuperposedLayer.factor...SuperposedLayer.factor).contains($0) } >= ratios
                        .count - 1),
                Claim(
                    "the correction that is stored is the one that is fitted",
                    closedForm: SuperposedLayer.coefficients.map { Claim.text($0, 3) }.joined(separator: ", "),
                    got: fit.coefficients.map { Claim.text($0, 3) }.joined(separator: ", ")
                        + "; deviation \(Claim.text(fit.deviation, 2))",
                    values: fit.coefficients + [fit.deviation],
                    criterion: "its corrections differ by at most a tenth in every cell",
                    holds: Cell.fitted.allSatisfy { cell in
                        let terms = SuperposedLayer.terms(share: cell.share, density: cell.density)
                        return abs(
                            zip(zip(fit.coefficients, SuperposedLayer.coefficients), terms).reduce(0) {
                                $0 + ($1.0.0 - $1.0.1) * $1.1
                            }) < 0.1
                    }),
            ],
            parts: Set(cells.map(\.density)).sorted().filter { density in Cell.fitted.contains { $0.density == density }
            }.map { density in
                let shown = cells.indices.filter { cells[$0].density == density }
                let shares = (0...12).map { 0.08 * pow(6, Double($0) / 12) }
                let layer = SuperposedLayer(features: 256, density: density)
                return Chart.lines(
                    "Density \(density)", x: .init("features for each neuron", log: true), y: .init("error", log: true),
                    [
                        .init(name: "theory", points: shares.map { (1 / $0, layer.theory(share: $0)) }, isTheory: true),
                        .init(
                            name: "expected", points: shares.map { (1 / $0, layer.error(share: $0)) }, isTheory: true),
                    ]
                        + Set(shown.map { cells[$0].features }).sorted().map { features in
                            .init(
                                name: "trained, n = \(features)",
                                points: shown.filter { cells[$0].features == features }.map {
                                    (1 / cells[$0].share, trained[$0])
                                })
                        })
            } + [
                .table(
                    columns: ["n", "p", "m", "theory", "expected", "trained", "in the fit"],
                    rows: cells.indices.map { i in
                        let cell = cells[i]
                        return ["\(cell.features)", "\(cell.density)", "\(cell.width)"]
                            + [theory[i], expected[i], trained[i]].map { Claim.text($0, 3) } + [
                                i < count ? "yes" : "no"
                            ]
                    })
            ])
    }

    /// β of least Σ (y − β·x)², by the normal equations, and the standard deviation of what is left.
    private static func leastSquares(_ x: [[Double]], _ y: [Double]) -> (coefficients: [Double], deviation: Double) {
        let count = x[0].count
        var (system, right) = (DoubleMatrix(count, count), [Double](repeating: 0, count: count))
        for (row, value) in zip(x, y) {
            for i in 0..<count {
                right[i] += row[i] * value
                for j in 0..<count { system[i, j] += row[i] * row[j] }
            }
        }
        let (values, vectors) = system.symmetricEigen()
        var solution = [Double](repeating: 0, count: count)
        for e in 0..<count {
            let product = zip(vectors.row(e), right).reduce(0) { $0 + $1.0 * $1.1 } / values[e]
            for (i, component) in vectors.row(e).enumerated() { solution[i] += product * component }
        }
        let left = zip(x, y).reduce(0) { sum, pair in
            let error = pair.1 - zip(solution, pair.0).reduce(0) { $0 + $1.0 * $1.1 }
            return sum + error * error
        }
        return (solution, (left / Double(y.count - count)).squareRoot())
    }
}

/// A model of the grid.
private struct Cell {
    let features: Int
    let density: Double
    let width: Int

    init(_ features: Int, _ density: Double, share: Double) {
        (self.features, self.density, width) = (features, density, Int(share * Double(features)))
    }

    static let fitted =
        [0.003, 0.01, 0.03, 0.1].flatMap { p in [0.1, 0.2, 0.4].map { Cell(256, p, share: $0) } }
        + [0.01, 0.1].flatMap { p in [0.1, 0.2, 0.4].map { Cell(512, p, share: $0) } }
    static let heldOut =
        [Cell(512, 0.02, share: 0.15), Cell(512, 0.02, share: 0.3), Cell(512, 0.05, share: 0.15)]
        + [Cell(384, 0.005, share: 0.25), Cell(1024, 0.02, share: 0.15)]

    var share: Double { Double(width) / Double(features) }
    var layer: SuperposedLayer { SuperposedLayer(features: features, density: density) }
    var cost: Int { features * width * configuration(seed: 0).steps }

    func configuration(seed: UInt64) -> ToyConfiguration {
        .designed(features: features, density: Float(density), width: width, seed: seed)
    }
}
