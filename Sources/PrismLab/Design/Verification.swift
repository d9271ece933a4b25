import Foundation
import PrismCore
import PrismTensor

/// A design, trained: how far the prediction was off.
public struct Verification: Codable, Sendable {
    /// The error of each seed's trained model, at its request's bits.
    public let errors: [Double]
    /// The same at the density that was predicted to double it.
    public let errorsAtDensityMargin: [Double]
    public let densityMargin: Double
    /// Mean trained error over predicted error.
    public let ratio: Double
    /// Whether the mean lies within the predicted 90% interval.
    public let isWithinInterval: Bool
}

extension Design {
    /// Trainings of a verification.
    static let seeds = 2

    /// The model that the answer describes, and its training.
    func configuration(seed: UInt64) -> ToyConfiguration {
        ToyConfiguration.designed(
            features: request.features, density: Float(request.density), width: width, seed: seed)
    }

    /// Trains the answer and measures it.
    /// - Throws: as `Lab.train`.
    public func verify(in lab: Lab) throws -> Verification {
        let trained = try lab.train(lab.seeds(Self.seeds).map(configuration))
        let density = min(1, request.density * (margins.first { $0.what == "density" }?.factor ?? 2))
        func error(_ model: ToyModel, density: Double) -> Double {
            var features = model.configuration.features
            features.density = [Float(min(1, density))]
            let samples = features.samples(
                Int(min(16_384, 2e7 / Double(request.features))), seed: 0, stream: "verification")
            return model.loss(on: samples) / features.energy
        }
        let models = trained.map { result in
            guard let bits = request.bits else { return result.model }
            let model = result.model.copy()
            model.set(embeddings: UniformQuantiser(bits: bits).rounding(model.embeddings))
            return model
        }
        let errors = models.map { error($0, density: request.density) }
        let mean = errors.reduce(0, +) / Double(errors.count)
        return Verification(
            errors: errors, errorsAtDensityMargin: models.map { error($0, density: density) }, densityMargin: density,
            ratio: mean / point.error, isWithinInterval: (point.low...point.high).contains(mean))
    }

    /// Seconds that `verify` will take, from a few steps of it.
    public func verificationSeconds(in lab: Lab) throws -> Double {
        try lab.expectedSeconds(of: lab.seeds(Self.seeds).map(configuration))
    }
}

extension ToyConfiguration {
    /// A ReLU output model of equal features, trained until longer training gains little: each feature is active some
    /// 10,000 times where 8,000 steps are enough for it.
    static func designed(features: Int, density: Float, width: Int, seed: UInt64) -> ToyConfiguration {
        var configuration = ToyConfiguration(FeatureDistribution(count: features, density: [density]), hidden: width)
        configuration.batch = 256
        configuration.steps = min(8000, max(2000, Int(10_000 / (256 * density))))
        configuration.learningRate = 0.005
        configuration.warmup = 100
        configuration.decaysRate = true
        configuration.seed = seed
        return configuration
    }
}
