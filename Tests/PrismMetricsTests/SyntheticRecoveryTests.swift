import PrismActivations
import PrismCore
import PrismDictionaries
import PrismMetrics
import PrismTensor
import Testing

/// The whole point: a dictionary trained on vectors of known features finds these features.
@Suite struct SyntheticRecoveryTests {
    @Test func aTrainedDictionaryFindsTheFeatures() throws {
        let features = try SyntheticFeatures(.small)
        let source = SyntheticActivations(features, .training, vectorCount: 500_000)
        let heldOut = SyntheticActivations(features, .heldOut, vectorCount: 4096)
        var configuration = TrainingConfiguration()
        (configuration.latents, configuration.k, configuration.batch) = (256, 4, 512)
        (configuration.steps, configuration.learningRate) = (source.vectorCount / 512, 0.004)
        let trainer = try DictionaryTrainer(configuration, Wiring(width: source.width))
        let batch = Tensor(512, source.width)
        func figures() throws -> [String: Double] {
            let matrix = Tensor(heldOut.vectorCount, heldOut.width)
            try heldOut.read(0..<heldOut.vectorCount, into: matrix, workers: Workers()) { _ in }
            let groups = (0..<32).map { Array($0 * 128..<($0 + 1) * 128) }
            return try Evaluation(of: trainer.dictionary(), on: matrix, groups: groups, workers: Workers())
                .adding(trainer.dictionary(), against: heldOut, workers: Workers()).metrics.mapValues(\.value)
        }
        var untrained: [String: Double] = [:]
        for step in 0..<configuration.steps {
            try source.read(step * 512..<(step + 1) * 512, into: batch, workers: Workers()) { _ in }
            if step == 0 {
                trainer.initialise(from: batch)
                untrained = try figures()
            }
            _ = try trainer.train(on: batch)
        }
        let trained = try figures()
        // 256 random directions in 64 dimensions lie within 0.35 of each other's nearest; what training adds is the rest.
        #expect(untrained["mcc"]! < 0.5 && untrained["features_recovered"]! < 0.05)
        #expect(trained["mcc"]! > 0.8 && trained["features_recovered"]! > 0.7, "\(trained)")
        #expect(trained["f1"]! > 0.5 && untrained["f1"]! < 0.3)
        #expect(trained["mmcs"]! >= trained["mcc"]!)
        #expect(trained["fvu"]! < 0.3 && untrained["fvu"]! > 0.5)
    }
}
