import Foundation
import PrismCore
import PrismTensor
import Synchronization

/// A toy model after its training.
public struct TrainedToy: Sendable {
    public let model: ToyModel
    /// L on samples that training did not see.
    public let loss: Double
    /// The model on its way, where snapshots were asked for.
    public let trajectory: [Snapshot]

    public struct Snapshot: Sendable {
        public let step: Int
        /// L of the batches since the last snapshot, on average.
        public let loss: Double
        public let model: ToyModel
    }
}

extension Lab {
    /// Samples that a loss is measured on, the same for equal distributions, so that losses can be compared.
    private static let evaluationSamples = 16_384

    /// Trains models from random weights, each on a thread of its own; which thread it is changes no bit.
    /// - snapshotSteps: the steps, ascending, after which to keep a copy of the model.
    /// - Returns: in the order of the configurations.
    /// - Throws: `PrismError.usage` for a configuration that is out of range, `.interrupted` after Ctrl-C, `.runFailed`
    ///   where weights are no longer finite.
    public func train(_ configurations: [ToyConfiguration], snapshotSteps: [Int] = []) throws -> [TrainedToy] {
        try train(from: configurations.map { try ToyModel($0) }, snapshotSteps: snapshotSteps)
    }

    /// The same, from the weights that the models have. They are left as they are: what is trained is a copy.
    public func train(from starts: [ToyModel], snapshotSteps: [Int] = []) throws -> [TrainedToy] {
        let configurations = starts.map(\.configuration)
        let total = configurations.reduce(0) { $0 + $1.steps }
        let progress = Mutex(
            label.map { Progress("\($0), training \(starts.count) models", total: total, unit: "steps") })
        let results = workers.map(starts.count, by: 1) { _, range -> TrainedToy? in
            Self.trained(starts[range.lowerBound].copy(), snapshotSteps) { steps in
                progress.withLock { $0?.advance(by: steps) }
            }
        }
        progress.withLock { $0?.finish() }
        try Interrupt.check()
        return try results.enumerated().map { number, result in
            guard let result else {
                throw PrismError.runFailed(
                    "toy model \(number + 1) of \(starts.count) diverged; lower its learning rate, now \(configurations[number].learningRate)"
                )
            }
            return result
        }
    }

    /// The one of lowest loss of `count` trainings for each configuration, from different seeds, and the losses of all.
    public func trainBest(of count: Int, _ configurations: [ToyConfiguration]) throws -> [(
        best: TrainedToy, losses: [Double]
    )] {
        let all = try train(
            configurations.flatMap { configuration in
                (0..<count).map { number in
                    var copy = configuration
                    copy.seed = configuration.seed.repetition(number)
                    return copy
                }
            })
        return configurations.indices.map { i in
            let group = all[i * count..<(i + 1) * count]
            return (group.min { $0.loss < $1.loss }!, group.map(\.loss))
        }
    }

    /// Seconds that training will take, from a few steps of each of the configurations that differ in cost.
    public func expectedSeconds(of configurations: [ToyConfiguration]) throws -> Double {
        var known: [[Double]: Double] = [:]
        var seconds: [Double] = []
        for configuration in configurations {
            let shape =
                [
                    configuration.features.count, configuration.hidden, configuration.batch, configuration.outputs,
                ].map(Double.init) + configuration.features.density.map(Double.init)
            if known[shape] == nil {
                let trainer = ToyTrainer(try ToyModel(configuration))
                _ = trainer.train()
                let start = ContinuousClock.now
                var steps = 0
                while steps < 3 || ContinuousClock.now - start < .milliseconds(50) && steps < 1000 {
                    _ = trainer.train()
                    steps += 1
                }
                known[shape] = (ContinuousClock.now - start) / .seconds(1) / Double(steps)
            }
            seconds.append(known[shape]! * Double(configuration.steps))
        }
        // No model is split over threads.
        return max(seconds.max() ?? 0, seconds.reduce(0, +) / Double(min(workers.count, max(1, seconds.count))))
    }

    /// nil where the weights are no longer finite, and after Ctrl-C.
    private static func trained(
        _ model: ToyModel, _ snapshotSteps: [Int], advance: (Int) -> Void
    ) -> TrainedToy? {
        let trainer = ToyTrainer(model)
        var trajectory: [TrainedToy.Snapshot] = []
        var (sum, count, reported) = (0.0, 0, 0)
        for step in 1...model.configuration.steps {
            if Interrupt.isRequested { return nil }
            sum += trainer.train()
            count += 1
            if trajectory.count < snapshotSteps.count, step == snapshotSteps[trajectory.count] {
                trajectory.append(.init(step: step, loss: sum / Double(count), model: model.copy()))
                (sum, count) = (0, 0)
            }
            if step % 64 == 0 || step == model.configuration.steps {
                advance(step - reported)
                reported = step
            }
        }
        guard model.parameters.values.allSatisfy(\.isFinite) else { return nil }
        return TrainedToy(model: model, loss: trainer.heldOutLoss(samples: evaluationSamples), trajectory: trajectory)
    }
}
