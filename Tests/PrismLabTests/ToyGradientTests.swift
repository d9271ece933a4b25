import PrismTensor
import Testing

@testable import PrismLab

/// Every option that has a gradient, against central differences of a naive twin in doubles.
@Suite struct ToyGradientTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let configuration: ToyConfiguration

        /// 7 features in 3 dimensions: odd numbers, so that rows have padding.
        init(
            _ name: String, features: FeatureDistribution = .init(count: 7, density: [0.4], least: -1), hidden: Int = 3,
            _ change: (inout ToyConfiguration) -> Void = { _ in }
        ) {
            var configuration = ToyConfiguration(features, hidden: hidden)
            configuration.seed = 3
            configuration.initialScale = 0.6
            change(&configuration)
            (testDescription, self.configuration) = (name, configuration)
        }
    }

    static let cases = [
        Case("tied, linear and ReLU"), Case("tied, linear output") { $0.outputActivation = .linear },
        Case("no bias") { $0.hasOutputBias = false },
        Case("tied, ReLU hidden") { $0.hiddenActivation = .relu },
        Case("untied, two ReLUs, two biases") {
            ($0.isTied, $0.hiddenActivation, $0.hasHiddenBias) = (false, .relu, true)
        },
        Case("untied, all linear, hidden bias alone") {
            ($0.isTied, $0.outputActivation, $0.hasHiddenBias, $0.hasOutputBias) = (false, .linear, true, false)
        },
        Case("importance") { $0.importance = ToyConfiguration.geometricImportance(7, ratio: 0.7) },
        Case("absolute") { ($0.isTied, $0.hiddenActivation, $0.target) = (false, .relu, .absolute) },
        Case("rectified with label noise") {
            ($0.isTied, $0.hiddenActivation, $0.target) = (false, .relu, .rectified(labelNoise: 0.3))
        },
        Case("rectified") { ($0.isTied, $0.target) = (false, .rectified(labelNoise: 0)) },
        Case("and", features: .init(count: 6, density: [0.5], least: 1)) {
            ($0.isTied, $0.hiddenActivation, $0.hasHiddenBias, $0.target) = (false, .relu, true, .and)
        },
        Case("projection") { ($0.isTied, $0.projection, $0.hasHiddenBias) = (false, 5, true) },
        Case("tied projection to the same width") { $0.projection = 7 },
        Case("activation L1") { $0.activationL1 = 0.1 },
        Case("activation L1 on ReLU") { ($0.activationL1, $0.hiddenActivation) = (0.1, .relu) },
        Case("normalised samples") { $0.normalisesSamples = true },
        Case("attack") { $0.adversarialRadius = 0.3 },
        Case("attack, untied, ReLU hidden") {
            // Without a bias a silent sample would stand in the kink of every neuron.
            ($0.isTied, $0.hiddenActivation, $0.hasHiddenBias, $0.adversarialRadius) = (false, .relu, true, 0.3)
        },
        Case("attack behind a projection") { ($0.isTied, $0.projection, $0.adversarialRadius) = (false, 5, 0.3) },
        Case("more hidden than a vector is wide", hidden: 19) { $0.isTied = false },
        // Wide and sparse enough for the products that skip zeros.
        Case("sparse", features: .init(count: 67, density: [0.05]), hidden: 5),
        Case("sparse, untied", features: .init(count: 67, density: [0.05]), hidden: 5) { $0.isTied = false },
        Case("sparse, attack", features: .init(count: 67, density: [0.05]), hidden: 5) { $0.adversarialRadius = 0.1 },
    ]

    /// 150 samples are a whole block and a part of one.
    @Test(arguments: cases) func gradientIsThatOfTheNaiveTwin(_ example: Case) throws {
        let model = try ToyModel.random(example.configuration)
        let naive = NaiveToy(model)
        let batch = naive.batch(example.configuration.features.drawn(150, seed: 3))
        let trainer = ToyTrainer(model)
        let loss = trainer.computeGradient(batch: 150)
        let (found, expected) = (model.inOrder(trainer.gradients), naive.gradient(batch))
        // Sums of 150 numbers in floats are good to some 1e-6 of the largest.
        let scale = expected.map(abs).max()!
        #expect(abs(loss - naive.trainingLoss(batch)) < 1e-5 * loss)
        #expect(found.count == expected.count && scale > 1e-3)
        #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 2e-5 * scale })
    }

    /// The same for the models that have a pass of their own, on whole vectors of samples.
    @Test(arguments: try cases.filter { NarrowPass(try ToyModel($0.configuration)) != nil })
    func narrowGradientIsThatOfTheNaiveTwin(_ example: Case) throws {
        let model = try ToyModel.random(example.configuration)
        let sampler = FeatureSampler(example.configuration.features, seed: 3, stream: "toy samples")
        let drawn = [128, 24].flatMap { samples in
            let x = Tensor(example.configuration.features.count, samples)
            sampler.fill(narrow: x.data, samples: samples)
            return (0..<samples).map { t in (0..<x.rowCount).map { Double(x[$0][t]) } }
        }
        let naive = NaiveToy(model)
        let batch = naive.batch(drawn)
        let trainer = ToyTrainer(model)
        let loss = trainer.computeGradient(batch: 152)
        let (found, expected) = (model.inOrder(trainer.gradients), naive.gradient(batch))
        #expect(abs(loss - naive.trainingLoss(batch)) < 1e-5 * loss)
        let scale = expected.map(abs).max()!
        #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 2e-5 * scale })
    }

    @Test func plainNarrowModelsHaveAPassOfTheirOwn() throws {
        let served = try Self.cases.filter { NarrowPass(try ToyModel($0.configuration)) != nil }.map(\.testDescription)
        #expect(
            served == [
                "tied, linear and ReLU", "tied, linear output", "no bias", "tied, ReLU hidden",
                "untied, two ReLUs, two biases", "untied, all linear, hidden bias alone", "importance",
                "more hidden than a vector is wide",
            ])
    }

    @Test(arguments: cases) func lossesOfHeldOutAndGivenSamplesAreThoseOfTheNaiveTwin(_ example: Case) throws {
        var configuration = example.configuration
        configuration.adversarialRadius = 0
        let model = try ToyModel.random(configuration)
        let naive = NaiveToy(model)
        func loss(_ batch: [(input: [Double], target: [Double])]) -> Double {
            batch.reduce(0) { $0 + naive.loss(input: $1.input, target: $1.target, isTraining: false) }
                / Double(batch.count)
        }
        let heldOut = naive.batch(configuration.features.drawn(300, seed: 0, stream: "toy evaluation"))
        #expect(abs(ToyTrainer(model).heldOutLoss(samples: 300) - loss(heldOut)) < 1e-5 * loss(heldOut))
        // Given samples are taken as they are.
        let samples = configuration.features.samples(300, seed: 1, stream: "given")
        let given = configuration.features.drawn(300, seed: 1, stream: "given").map {
            (naive.input($0), naive.target($0))
        }
        #expect(abs(model.loss(on: samples) - loss(given)) < 1e-5 * loss(given))
    }

    /// In an all-linear model both have closed forms. Noise of σ on h adds σ² Σᵢ Iᵢ‖W₂ᵢ‖²; leaving out a share d of hidden
    /// units and scaling up the rest adds d/(1 − d) Σₖ E hₖ² Σᵢ Iᵢ W₂ᵢₖ².
    @Test func noiseAndDropoutCostWhatTheyShould() throws {
        var configuration = Self.cases[5].configuration
        configuration.importance = ToyConfiguration.geometricImportance(7, ratio: 0.7)
        let samples = 200_000
        let x = configuration.features.samples(samples, seed: 3, stream: "toy samples")
        let model = try ToyModel.random(configuration)
        let clean = model.loss(on: x)
        let (hidden, readouts) = (DoubleMatrix(model.run(x).hidden), DoubleMatrix(model.readouts))
        /// Σᵢ Iᵢ W₂ᵢₖ²
        let written = (0..<3).map { k in
            (0..<7).reduce(0) { $0 + Double(configuration.importance[$1]) * readouts[$1, k] * readouts[$1, k] }
        }
        let square = (0..<3).map { k in (0..<samples).reduce(0) { $0 + hidden[$1, k] * hidden[$1, k] } / Double(samples)
        }
        func rise(_ change: (inout ToyConfiguration) -> Void) throws -> Double {
            var changed = configuration
            change(&changed)
            return ToyTrainer(try ToyModel.random(changed)).computeGradient(batch: samples) - clean
        }
        // 200,000 samples give a mean of such squares within 1%, several standard errors.
        let noise = 0.25 * written.reduce(0, +)
        #expect(try abs(rise { $0.hiddenNoise = 0.5 } / noise - 1) < 0.02)
        let dropout = 0.25 * zip(written, square).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(try abs(rise { $0.dropout = 0.2 } / dropout - 1) < 0.02)
    }
}
