import Foundation
import PrismTensor
import Testing

@testable import PrismLab

@Suite struct ToyTrainerTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let configuration: ToyConfiguration

        init(_ name: String, _ change: (inout ToyConfiguration) -> Void) {
            var configuration = ToyConfiguration(.init(count: 5, density: [0.5]), hidden: 2)
            (configuration.steps, configuration.batch, configuration.learningRate) = (4, 30, 0.01)
            (configuration.isTied, configuration.seed) = (false, 5)
            change(&configuration)
            (testDescription, self.configuration) = (name, configuration)
        }
    }

    static let cases = [
        Case("SGD") { $0.optimiser = .sgd },
        Case("SGD with decay") { ($0.optimiser, $0.weightDecay) = (.sgd, 0.3) },
        Case("SGD with growth") { ($0.optimiser, $0.weightDecay) = (.sgd, -0.3) },
        Case("Adam") { _ in }, Case("Adam with decay") { $0.weightDecay = 0.3 },
        Case("AdamW with decay") { ($0.optimiser, $0.weightDecay) = (.adamW, 2) },
        Case("AdamW with growth") { ($0.optimiser, $0.weightDecay) = (.adamW, -2) },
        Case("tied AdamW with growth") { ($0.optimiser, $0.weightDecay, $0.isTied) = (.adamW, -2, true) },
        Case("AdamW with decay and a hidden bias") {
            ($0.optimiser, $0.weightDecay, $0.hasHiddenBias) = (.adamW, 2, true)
        },
        Case("warm-up and falling rate") { ($0.warmup, $0.decaysRate) = (2, true) },
        Case("the same samples in every step") { $0.dataset = 20 },
    ]

    @Test(arguments: cases) func stepsAreThoseOfANaiveOptimiser(_ example: Case) throws {
        let configuration = example.configuration
        let model = try ToyModel.random(configuration)
        var naive = NaiveToy(model)
        let batch = configuration.dataset ?? configuration.batch
        let drawn = configuration.features.drawn(batch * configuration.steps, seed: 5)
        var (first, second) = (naive.parameters.map { _ in 0.0 }, naive.parameters.map { _ in 0.0 })
        let trainer = ToyTrainer(model)
        for step in 1...configuration.steps {
            let start = configuration.dataset == nil ? (step - 1) * batch : 0
            let samples = naive.batch(Array(drawn[start..<start + batch]))
            let loss = naive.trainingLoss(samples)
            var gradient = naive.gradient(samples)
            let rate = Self.rate(configuration, step)
            let decay = Double(configuration.weightDecay)
            if configuration.optimiser == .adamW {
                for row in 0..<naive.weightCount / naive.hidden {
                    let place = row * naive.hidden..<(row + 1) * naive.hidden
                    let norm = naive.parameters[place].reduce(0) { $0 + $1 * $1 }.squareRoot()
                    for i in place {
                        naive.parameters[i] -= rate * decay * naive.parameters[i] * (decay < 0 ? 1 / norm - 1 : 1)
                    }
                }
            } else {
                for i in 0..<naive.weightCount { gradient[i] += decay * naive.parameters[i] }
            }
            for i in gradient.indices {
                if configuration.optimiser == .sgd {
                    naive.parameters[i] -= rate * gradient[i]
                } else {
                    first[i] = 0.9 * first[i] + 0.1 * gradient[i]
                    second[i] = 0.999 * second[i] + 0.001 * gradient[i] * gradient[i]
                    let (m, v) = (first[i] / (1 - pow(0.9, Double(step))), second[i] / (1 - pow(0.999, Double(step))))
                    naive.parameters[i] -= rate * m / (v.squareRoot() + 1e-8)
                }
            }
            // Floats are good to 1e-7 of a weight of about 1, over four steps.
            #expect(abs(trainer.train() - loss) < 1e-5 * loss)
            let found = model.inOrder(model.parameters)
            #expect(zip(found, naive.parameters).allSatisfy { abs($0 - $1) < 3e-6 })
        }
    }

    private static func rate(_ configuration: ToyConfiguration, _ step: Int) -> Double {
        let peak = Double(configuration.learningRate)
        if step <= configuration.warmup { return peak * Double(step) / Double(configuration.warmup) }
        guard configuration.decaysRate else { return peak }
        let length = Double(configuration.steps - configuration.warmup)
        return peak * (1 + cos(.pi * Double(step - configuration.warmup) / length)) / 2
    }

    @Test func equalBytesWithOneAndTwoThreads() throws {
        var configurations = (0..<3).map { seed in
            var configuration = ToyConfiguration(.init(count: 20, density: [0.1]), hidden: 5)
            (configuration.steps, configuration.batch, configuration.seed) = (60, 300, UInt64(seed))
            return configuration
        }
        (configurations[1].dropout, configurations[1].hiddenNoise) = (0.2, 0.1)
        configurations[2].features = FeatureDistribution(count: 80, density: [0.03])
        configurations[2].adversarialRadius = 0.1
        let one = try Lab(workers: Workers(count: 1)).train(configurations, snapshotSteps: [10, 60])
        let two = try Lab(workers: Workers(count: 2)).train(configurations, snapshotSteps: [10, 60])
        for (one, two) in zip(one, two) {
            #expect(one.model.parameters.values == two.model.parameters.values && one.loss == two.loss)
            #expect(one.trajectory.map(\.loss) == two.trajectory.map(\.loss))
            #expect(one.trajectory[0].model.parameters.values != one.model.parameters.values)
            #expect(one.trajectory[1].model.parameters.values == one.model.parameters.values)
        }
    }

    /// A hand-made optimum, two digons in two dimensions without overlap of exclusive features, stays where it is.
    @Test func trainingGoesOnFromGivenWeightsAndLeavesThemAsTheyAre() throws {
        var features = FeatureDistribution(count: 4, density: [0.2])
        features.dependence = .anticorrelated(size: 2)
        var configuration = ToyConfiguration(features, hidden: 2)
        configuration.steps = 50
        let start = try ToyModel(configuration)
        let digons = Tensor(shape: [4, 2], [1, 0, -1, 0, 0, 1, 0, -1])
        start.set(embeddings: digons)
        let trained = try Lab(workers: Workers(count: 1)).train(from: [start])[0]
        // Zero loss has zero gradient, exactly.
        #expect(trained.model.embeddings.values == digons.values && trained.loss == 0)
        start.set(embeddings: Tensor(shape: [4, 2], [0.9, 0, -1, 0, 0, 1, 0, -1]))
        let moved = try Lab(workers: Workers(count: 1)).train(from: [start])[0]
        #expect(moved.model.embeddings.values[0] > 0.93)
        #expect(start.embeddings.values[0] == 0.9)
    }
}
