import Foundation
import PrismCore
import PrismTensor

@testable import PrismLab

/// A toy model written down plainly in doubles, straight from the equations of `ToyConfiguration`: what the engine is
/// tested against.
struct NaiveToy {
    let configuration: ToyConfiguration
    let inputs, hidden, outputs: Int
    /// W₁ᵀ [inputs, hidden], W₂ [outputs, hidden] unless it is tied, b₁ and b₂ where there are any.
    var parameters: [Double]
    /// P and M, or nil.
    let projection, mixing: Tensor?

    init(_ model: ToyModel) {
        configuration = model.configuration
        (inputs, hidden, outputs) = (model.layout.inputs, model.layout.hidden, model.layout.outputs)
        (projection, mixing) = (model.projection, model.labelMixing)
        var values = model.embeddings.values
        if !configuration.isTied { values += model.readouts.values }
        if configuration.hasHiddenBias { values += model.biases.hidden }
        if configuration.hasOutputBias { values += model.biases.output }
        parameters = values.map(Double.init)
    }

    var weightCount: Int { (inputs + (configuration.isTied ? 0 : outputs)) * hidden }

    /// What the model reads of features: the same, or their projection.
    func input(_ x: [Double]) -> [Double] {
        guard let projection else { return x }
        return (0..<inputs).map { c in x.indices.reduce(0) { $0 + x[$1] * Double(projection[$1][c]) } }
    }

    func target(_ x: [Double]) -> [Double] {
        switch configuration.target {
        case .identity: return x
        case .absolute: return x.map { abs($0) }
        case .rectified:
            return x.indices.map { i in
                max(0, x[i]) + x.indices.reduce(0) { sum, j in sum + x[j] * Double(mixing.map { m in m[j][i] } ?? 0) }
            }
        case .and:
            return x.indices.flatMap { i in x.indices.dropFirst(i + 1).map { j in x[i] == 1 && x[j] == 1 ? 1.0 : 0.0 } }
        }
    }

    func hidden(_ input: [Double]) -> [Double] {
        (0..<hidden).map { k in
            var sum = configuration.hasHiddenBias ? parameters[weightCount + k] : 0
            for i in 0..<inputs { sum += parameters[i * hidden + k] * input[i] }
            return configuration.hiddenActivation == .relu ? max(0, sum) : sum
        }
    }

    /// Σ Iᵢ (tᵢ − yᵢ)², and the activations' penalty.
    func loss(input: [Double], target: [Double], isTraining: Bool = true) -> Double {
        let h = hidden(input)
        let decoder = configuration.isTied ? 0 : inputs * hidden
        let bias = weightCount + (configuration.hasHiddenBias ? hidden : 0)
        var loss = isTraining ? Double(configuration.activationL1) * h.reduce(0) { $0 + abs($1) } : 0
        for i in 0..<outputs {
            var y = configuration.hasOutputBias ? parameters[bias + i] : 0
            for k in 0..<hidden { y += parameters[decoder + i * hidden + k] * h[k] }
            if configuration.outputActivation == .relu { y = max(0, y) }
            let importance =
                configuration.importance.count == 1 ? configuration.importance[0] : configuration.importance[i]
            loss += Double(importance) * (target[i] - y) * (target[i] - y)
        }
        return loss
    }

    /// L over samples, each moved by the configuration's attack.
    func trainingLoss(_ batch: [(input: [Double], target: [Double])]) -> Double {
        batch.reduce(0) { $0 + loss(input: $1.input, target: $1.target) } / Double(batch.count)
    }

    /// What a step sees of features: samples normalised and moved by the attack, and their targets.
    func batch(_ features: [[Double]]) -> [(input: [Double], target: [Double])] {
        features.map { x in
            var x = x
            let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot()
            if configuration.normalisesSamples && norm > 0 { x = x.map { $0 / norm } }
            let (clean, target) = (input(x), target(x))
            guard configuration.adversarialRadius > 0 else { return (clean, target) }
            let direction = Self.differences(clean) { loss(input: $0, target: target) }
            let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
            guard length > 0 else { return (clean, target) }
            return (zip(clean, direction).map { $0 + Double(configuration.adversarialRadius) * $1 / length }, target)
        }
    }

    /// ∂L/∂parameters.
    func gradient(_ batch: [(input: [Double], target: [Double])]) -> [Double] {
        Self.differences(parameters) { parameters in
            var other = self
            other.parameters = parameters
            return other.trainingLoss(batch)
        }
    }

    /// Central differences. A step of 1e-6 leaves an error of about 1e-10 in doubles.
    private static func differences(_ point: [Double], _ f: ([Double]) -> Double) -> [Double] {
        point.indices.map { i in
            var (above, below) = (point, point)
            above[i] += 1e-6
            below[i] -= 1e-6
            return (f(above) - f(below)) / 2e-6
        }
    }
}

extension ToyModel {
    /// With random biases, where there are any, so that their gradients depend on them.
    static func random(_ configuration: ToyConfiguration) throws -> ToyModel {
        let model = try ToyModel(configuration)
        var generator = SeededGenerator(seed: 7, stream: "biases")
        func biases(_ count: Int) -> [Float] { (0..<count).map { _ in 0.2 * generator.normal() } }
        model.set(
            embeddings: model.embeddings, readouts: configuration.isTied ? nil : model.readouts,
            hiddenBias: configuration.hasHiddenBias ? biases(configuration.hidden) : nil,
            outputBias: configuration.hasOutputBias ? biases(configuration.outputs) : nil)
        return model
    }

    /// The numbers of a tensor laid out as the parameters, in the order of `NaiveToy.parameters`.
    func inOrder(_ tensor: Tensor) -> [Double] {
        func rows(_ start: Int, _ count: Int) -> [Float] {
            (0..<count).flatMap { row in
                (0..<layout.hidden).map { tensor.data[start + row * layout.hiddenStride + $0] }
            }
        }
        var values = rows(0, layout.inputs)
        if !configuration.isTied { values += rows(layout.decoder, layout.outputs) }
        if configuration.hasHiddenBias { values += (0..<layout.hidden).map { tensor.data[layout.hiddenBias + $0] } }
        if configuration.hasOutputBias { values += (0..<layout.outputs).map { tensor.data[layout.outputBias + $0] } }
        return values.map(Double.init)
    }
}

extension FeatureDistribution {
    /// The samples that training draws.
    func drawn(_ count: Int, seed: UInt64, stream: String = "toy samples") -> [[Double]] {
        let samples = samples(count, seed: seed, stream: stream)
        return (0..<count).map { row in (0..<self.count).map { Double(samples[row][$0]) } }
    }
}
