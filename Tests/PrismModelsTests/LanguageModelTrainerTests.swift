import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct LanguageModelTrainerTests {
    /// Small enough to learn in a second: after token t comes t + 1 or t + 3, always one of two, so that no model is below
    /// ln 2 = 0.693 nats.
    static var configuration: LanguageModelConfiguration {
        var c = LanguageModelConfiguration()
        (c.layers, c.width, c.heads, c.context, c.batch) = (2, 16, 2, 16, 16)
        c.tokens = 16 * 16 * 200
        (c.learningRate, c.weightDecay) = (1e-2, 0)
        return c
    }

    static func contexts(_ step: Int, _ configuration: LanguageModelConfiguration) -> [[Int32]] {
        var random = SeededGenerator(seed: 1, stream: "batch \(step)")
        return (0..<configuration.batch).map { _ in
            var token = Int32.random(in: 0..<32, using: &random)
            return (0..<configuration.context).map { _ in
                defer { token = (token + (Bool.random(using: &random) ? 1 : 3)) % 32 }
                return token
            }
        }
    }

    @discardableResult
    static func train(_ trainer: LanguageModelTrainer, to step: Int) throws -> [LanguageModelTrainer.Report] {
        var reports: [LanguageModelTrainer.Report] = []
        while trainer.step < step {
            reports.append(try trainer.train(on: contexts(trainer.step, trainer.configuration)))
        }
        return reports
    }

    @Test func aModelLearnsWhatCanBeLearned() throws {
        let trainer = LanguageModelTrainer(Self.configuration, vocabulary: 32)
        let reports = try Self.train(trainer, to: 200)
        #expect(abs(reports[0].loss - log(32)) < 0.05)
        let heldOut = try trainer.model().crossEntropy(Self.contexts(10_000, Self.configuration))
        #expect(heldOut > log(2) - 0.05 && heldOut < log(2) + 0.05, "\(heldOut)")
    }

    /// Threads, and a stop in the middle, change no bit.
    @Test func trainingIsRepeatable() throws {
        var configuration = Self.configuration
        (configuration.dropout, configuration.activationSparsity) = (0.1, 1e-3)
        let whole = LanguageModelTrainer(configuration, vocabulary: 32, workers: Workers(count: 1))
        let reports = try Self.train(whole, to: 12)
        #expect(reports.allSatisfy { $0.activity > 0 })
        try withTemporaryFolder { folder in
            let first = LanguageModelTrainer(configuration, vocabulary: 32, workers: Workers(count: 2))
            try Self.train(first, to: 7)
            try Checkpoints(folder).save(first)
            let second = LanguageModelTrainer(configuration, vocabulary: 32, workers: Workers(count: 3))
            #expect(try Checkpoints(folder).restore(second) && second.step == 7)
            try Self.train(second, to: 12)
            for ((name, a), (_, b)) in zip(whole.state, second.state) { #expect(same(a, b), "\(name)") }
        }
    }

    /// Dropout and the price of activity are part of what is differentiated: differences of the loss they make.
    @Test func pressuresMoveWhatTheyShould() throws {
        var priced = Self.configuration
        priced.activationSparsity = 0.05
        let sparse = LanguageModelTrainer(priced, vocabulary: 32)
        let free = LanguageModelTrainer(Self.configuration, vocabulary: 32)
        try Self.train(free, to: 60)
        let activity = try Self.train(sparse, to: 60).map(\.activity)
        func meanActivity(_ trainer: LanguageModelTrainer) throws -> Double {
            let hook = HookPoint.neurons(layer: 1)
            let found = try trainer.model().run(
                ForwardRequest(contexts: Self.contexts(99, Self.configuration), capture: [hook]))[hook]
            return found.values.reduce(0.0) { $0 + Double(abs($1)) } / Double(found.rowCount)
        }
        #expect(try meanActivity(sparse) < 0.5 * meanActivity(free))
        #expect(activity.last! < activity.max()!)
        // Negative weight decay grows weights, positive shrinks them.
        var (grown, shrunk) = (Self.configuration, Self.configuration)
        (grown.weightDecay, shrunk.weightDecay) = (-1, 1)
        func size(_ configuration: LanguageModelConfiguration) throws -> Double {
            let trainer = LanguageModelTrainer(configuration, vocabulary: 32)
            try Self.train(trainer, to: 40)
            return trainer.state.first { $0.0 == "blocks.0.mlp.W_in" }!.1.values.reduce(0) { $0 + Double($1 * $1) }
        }
        let neutral = try size(Self.configuration)
        #expect(try size(grown) > 1.2 * neutral)
        #expect(try size(shrunk) < 0.9 * neutral)
    }

    @Test func whatIsSavedIsWhatWasTrained() throws {
        let trainer = LanguageModelTrainer(Self.configuration, vocabulary: 32)
        try Self.train(trainer, to: 3)
        try withTemporaryFolder { folder in
            try trainer.save(to: folder)
            let loaded = try Transformer(loading: folder, backend: CPUBackend())
            #expect(loaded.configuration == trainer.shape)
            let tokens: [Int32] = [1, 2, 5, 6, 7]
            #expect(same(try loaded.logits(tokens), try trainer.model().logits(tokens)))
        }
    }

    @Test func settingsThatCannotBeAreRefused() {
        func refused(_ change: (inout LanguageModelConfiguration) -> Void) -> String {
            var configuration = LanguageModelConfiguration()
            change(&configuration)
            do {
                try configuration.validate()
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(refused { _ in }.isEmpty)
        #expect(refused { $0.heads = 3 }.contains("‘heads’ must divide ‘width’"))
        #expect(refused { $0.vocabulary = 100 }.contains("‘vocabulary’"))
        #expect(refused { $0.heldOut = 0 }.contains("‘held_out’"))
        #expect(refused { $0.dropout = 1 }.contains("‘dropout’"))
        #expect(refused { $0.batch = 0 }.contains("‘batch’"))
    }
}
