import Foundation
import PrismAtlas
import PrismTensor

extension Experiment {
    static let memorisation = Experiment(
        "memorisation", title: "From data points to features", topic: .capacity, source: "Henighan et al. 2023",
        expectedSeconds: 45,
        explanation: """
            The ReLU output model with 500 features of density 0.01 in 2 dimensions, trained on T samples of length one that \
            it sees in every step (AdamW, weight decay 0.01). With few samples it stores these: their hidden vectors stand in \
            a polygon. With many it stores the features. Between the two neither has dimensions of its own, and the loss on \
            new samples peaks: double descent. Dimensions are Dᵢ of the feature's embedding, or of the sample's hidden \
            vector, averaged over the five largest. Published with 10,000 features of density 0.001 and 50,000 steps; here \
            4000 steps, and the hand-over comes at fewer samples.
            """
    ) { lab in
        let (sizes, repetitions) = ([3000, 2000, 1000, 500, 200, 100, 50, 20, 10, 5], 3)
        // Five points are cheap: enough trainings that the best has no point squeezed out.
        let polygons = (0..<8).map { Self.memoriser(samples: 5, seed: lab.seed.repetition(100 + $0)) }
        let all = try lab.train(
            sizes.flatMap { size in lab.seeds(repetitions).map { Self.memoriser(samples: size, seed: $0) } } + polygons)
        let trained = all.dropLast(polygons.count).map { toy in
            let hidden = toy.model.run(toy.model.configuration.trainingSet!).hidden
            return (
                test: toy.loss, features: Self.largestFive(FeatureGeometry(toy.model.embeddings).dimensionality),
                points: Self.largestFive(FeatureGeometry(hidden).dimensionality)
            )
        }
        func median(_ value: (Int) -> Double) -> [Double] {
            sizes.indices.map { i in
                (i * repetitions..<(i + 1) * repetitions).map(value).sorted()[repetitions / 2]
            }
        }
        let (test, features, points) = (
            median { trained[$0].test }, median { trained[$0].features }, median { trained[$0].points }
        )
        let peak = test.indices.max { test[$0] < test[$1] }!
        let pentagon = all.suffix(polygons.count).map { toy in
            let samples = toy.model.configuration.trainingSet!
            return (loss: toy.model.loss(on: samples), hidden: toy.model.run(samples).hidden)
        }.min { $0.loss < $1.loss }!.hidden
        let gaps = Self.anglesBetween(pentagon)
        func line(_ name: String, _ values: [Double]) -> Chart.Series {
            .init(name: name, points: zip(sizes, values).map { (Double($0), $1) }.reversed())
        }
        let samples = Chart.Axis("samples trained on", log: true)
        return Findings(
            claims: [
                Claim(
                    "five samples form a regular pentagon", published: "polygon", closedForm: "gaps of 72°",
                    got: gaps.map { Claim.text($0, 3) }.joined(separator: ", ") + "°", values: gaps,
                    criterion: "every gap within 10° of 72° in the best of 8 by its training loss",
                    holds: gaps.allSatisfy { abs($0 - 72) < 10 }),
                Claim(
                    "test loss peaks in between", published: "double descent",
                    got: "\(Claim.text(test[peak], 3)) at \(sizes[peak]) samples, \(Claim.text(test.last!, 3)) at 5, "
                        + "\(Claim.text(test[0], 3)) at 3000", values: test,
                    criterion: "the peak is inside and 1.2 times as high as both ends",
                    holds: test[peak] > 1.2 * max(test[0], test.last!)),
                Claim(
                    "dimensions pass from samples to features", published: "they do",
                    got:
                        "at 5 samples \(Claim.text(points.last!, 2)) against \(Claim.text(features.last!, 2)), at 3000 "
                        + "\(Claim.text(points[0], 2)) against \(Claim.text(features[0], 2))",
                    values: [points.last!, features.last!, points[0], features[0]],
                    criterion: "the samples' above the features' at 5, below at 3000",
                    holds: points.last! > features.last! && points[0] < features[0]),
            ],
            parts: [
                Chart.lines(
                    "Loss on new samples", caption: "Median of \(repetitions) seeds.", x: samples,
                    y: .init("test loss", log: true), [line("test loss", test)]),
                Chart.lines(
                    "Who has dimensions", caption: "Mean D of the five largest; median of \(repetitions) seeds.",
                    x: samples, y: .init("dimensions"), [line("samples", points), line("features", features)]),
                Self.plane("Hidden vectors of 5 samples", pentagon),
                Self.plane("Embeddings after 3000 samples", all[0].model.embeddings),
            ])
    }

    private static func memoriser(samples: Int, seed: UInt64) -> ToyConfiguration {
        var configuration = ToyConfiguration(FeatureDistribution(count: 500, density: [0.01]), hidden: 2)
        (configuration.dataset, configuration.normalisesSamples) = (samples, true)
        (configuration.optimiser, configuration.weightDecay) = (.adamW, 0.01)
        (configuration.steps, configuration.warmup, configuration.seed) = (4000, 200, seed)
        (configuration.learningRate, configuration.decaysRate) = (5e-3, true)
        return configuration
    }

    private static func largestFive(_ values: [Double]) -> Double {
        values.sorted(by: >).prefix(5).reduce(0, +) / 5
    }

    /// Angles between neighbours around the origin, in degrees. - vectors: [any, 2].
    static func anglesBetween(_ vectors: Tensor) -> [Double] {
        let angles = (0..<vectors.rowCount).map { atan2(Double(vectors[$0][1]), Double(vectors[$0][0])) * 180 / .pi }
            .sorted()
        return angles.indices.map { $0 == 0 ? angles[0] + 360 - angles.last! : angles[$0] - angles[$0 - 1] }
    }

    private static func plane(_ title: String, _ vectors: Tensor) -> ReportSection.Part {
        Chart.stars(title, features: (0..<vectors.rowCount).map { (Double(vectors[$0][0]), Double(vectors[$0][1]), 1) })
    }
}
