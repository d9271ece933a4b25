import Foundation
import PrismAtlas
import PrismCore
import PrismTensor

extension Experiment {
    static let perturbedPentagon = Experiment(
        "perturbed-pentagon", title: "A pentagon that snaps into two digons", topic: .toyModels,
        source: "Elhage et al. 2022, “Non-uniform superposition”", expectedSeconds: 8,
        explanation: """
            Five features of density 0.05 and equal importance in 2 dimensions, of which one is made up to five times \
            sparser. For each factor the model is trained from a pentagon and from two digons (the odd feature left out), four \
            times each with small noise on the start, and from random weights, the best of 8. Both families are local minima; \
            their losses cross, and there the best solution snaps from one to the other instead of fading. \
            (Which features are active is enumerated, so the losses are exact but for the values. By hand, too: at 2.5 times \
            sparser leaving the feature out costs some 0.008, the pentagon 0.006.)
            """
    ) { lab in
        let factors = stride(from: 1.0, through: 5, by: 0.25).map { $0 }
        func configuration(_ factor: Double, seed: UInt64 = 0) -> ToyConfiguration {
            var density = [Float](repeating: 0.05, count: 5)
            density[0] /= Float(factor)
            var configuration = ToyConfiguration(FeatureDistribution(count: 5, density: density), hidden: 2)
            (configuration.steps, configuration.learningRate, configuration.decaysRate) = (3000, 3e-3, true)
            configuration.seed = seed
            return configuration
        }
        func starts(_ features: [(x: Double, y: Double)], bias: Float) throws -> [ToyModel] {
            try factors.flatMap { factor in
                try lab.seeds(4).map { seed in
                    let model = try ToyModel(configuration(factor, seed: seed))
                    var noise = SeededGenerator(seed: seed, stream: "perturbed start")
                    let embeddings = features.flatMap { [Float($0.x), Float($0.y)] }.map { $0 + 0.03 * noise.normal() }
                    model.set(
                        embeddings: Tensor(shape: [5, 2], embeddings), outputBias: [Float](repeating: bias, count: 5))
                    return model
                }
            }
        }
        let corners = (0..<5).map { i in (x: 1.13 * cos(0.4 * .pi * Double(i)), y: 1.13 * sin(0.4 * .pi * Double(i))) }
        let pentagons = try lab.train(from: starts(corners, bias: -0.24))
        let digons = try lab.train(from: starts([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)], bias: 0))
        let random = try lab.train(factors.flatMap { f in lab.seeds(8).map { configuration(f, seed: $0) } })

        // Which features are active is enumerated, not sampled: that several are is rare, and decides.
        let values = FeatureDistribution(count: 5).samples(512 * 32, seed: lab.seed, stream: "perturbed losses")
        for row in 0..<values.rowCount { for i in 0..<5 where (row / 512) >> i & 1 == 0 { values[row][i] = 0 } }
        func loss(_ model: ToyModel, _ density: [Float]) -> Double {
            (0..<32).reduce(0) { sum, active in
                let probability = (0..<5).reduce(1.0) {
                    $0 * Double(active >> $1 & 1 == 1 ? density[$1] : 1 - density[$1])
                }
                return sum + probability * model.loss(on: values.rows(active * 512..<(active + 1) * 512))
            }
        }
        /// [factor][repetition]
        func losses(_ trained: [TrainedToy]) -> [[Double]] {
            let all = trained.map { loss($0.model, $0.model.configuration.features.density) }
            let count = trained.count / factors.count
            return factors.indices.map { Array(all[$0 * count..<($0 + 1) * count]) }
        }
        let (pentagonLosses, digonLosses, randomLosses) = (losses(pentagons), losses(digons), losses(random))
        let best = randomLosses.enumerated().map { f, losses in
            random[f * 8 + losses.indices.min { losses[$0] < losses[$1] }!].model.embeddings
        }
        let crossings = lab.seeds(4).indices.map { repetition in
            let gaps = factors.indices.map { pentagonLosses[$0][repetition] - digonLosses[$0][repetition] }
            guard let after = gaps.firstIndex(where: { $0 > 0 }), after > 0 else { return Double.nan }
            let share = gaps[after - 1] / (gaps[after - 1] - gaps[after])
            return factors[after - 1] + share * (factors[after] - factors[after - 1])
        }
        let oddNorms = best.map { FeatureGeometry($0).norms[0] }
        let steps = zip(oddNorms, oddNorms.dropFirst()).map { $0 - $1 }
        let snap = steps.indices.max { steps[$0] < steps[$1] }!
        func series(_ name: String, _ losses: [[Double]]) -> Chart.Series {
            .init(
                name: name, points: zip(factors, losses).map { ($0, $1.reduce(0, +) / Double($1.count)) },
                spread: losses.map { ($0.min()!, $0.max()!) })
        }
        let stars = [1.0, 2, 2.5, 3, 4].map { factor in
            let w = best[factors.firstIndex(of: factor)!]
            return Chart.stars(
                "One feature \(Claim.text(factor, 2)) times sparser",
                features: (0..<5).map { (Double(w[$0][0]), Double(w[$0][1]), $0 == 0 ? 0.2 : 1) })
        }
        return Findings(
            claims: [
                Claim(
                    "how much sparser one feature is where both families lose the same", published: "about 2.5",
                    spread: crossings, criterion: "between 2 and 3", holds: { $0 > 2 && $0 < 3 }),
                Claim(
                    "the best solution snaps: ‖W‖ of the odd feature from one factor to the next, 0.25 larger",
                    published: "snaps into two digons",
                    got:
                        "\(Claim.text(oddNorms[snap], 2)) to \(Claim.text(oddNorms[snap + 1], 2)) between \(factors[snap]) and \(factors[snap + 1])",
                    values: oddNorms, criterion: "falls by more than 0.5 at once, between 2 and 3",
                    holds: steps[snap] > 0.5 && factors[snap] >= 2 && factors[snap + 1] <= 3),
            ],
            parts: [
                Chart.lines(
                    "Two families of solutions", caption: "Mean of four repetitions, with least and largest.",
                    x: .init("times sparser than the other four"), y: .init("loss"),
                    [
                        series("from a pentagon", pentagonLosses), series("from two digons", digonLosses),
                        .init(
                            name: "best of 8 from random weights",
                            points: zip(factors, randomLosses).map { ($0, $1.min()!) }),
                    ])
            ] + stars)
    }
}
