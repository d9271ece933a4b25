import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// Trains a transformer to predict the next token: the mean cross-entropy over a batch of contexts, by AdamW.
///
/// What a step does follows from configuration, seed and step alone, and not from the number of threads, so that a run that
/// was stopped goes on to the same bytes.
public final class LanguageModelTrainer: Checkpointed {
    public let configuration: LanguageModelConfiguration
    public let shape: TransformerConfiguration
    public private(set) var step = 0
    private let parameters: [Parameter]
    private let backend: any Backend
    private let workers: Workers

    private struct Parameter {
        let name: WeightName
        let value, moment1, moment2: Tensor
    }

    /// What a step did.
    public struct Report: Sendable {
        /// Mean cross-entropy of the batch before the step, in nats a token.
        public let loss: Double
        /// Mean over tokens and layers of Σ |neuron|; 0 unless `activationSparsity` asks for it.
        public let activity: Double
        /// Global norm of the gradient before it was clipped.
        public let gradientNorm: Double
        public let rate: Float
    }

    /// Weights as GPT-2 begins: N(0, 0.02²), those that write to the residual stream smaller by √(2 · layers), norms 1,
    /// biases 0.
    public init(
        _ configuration: LanguageModelConfiguration, vocabulary: Int, backend: any Backend = CPUBackend(),
        workers: Workers = Workers()
    ) {
        self.configuration = configuration
        self.backend = backend
        self.workers = workers
        let shape = configuration.shape(vocabulary: vocabulary)
        self.shape = shape
        parameters = shape.weightNames.map { name in
            let dimensions = shape.shape(of: name)!
            let writes = [.attentionOut, .down].contains(name.part)
            let value = Tensor.random(
                name, shape: dimensions, size: 0.02 / (writes ? Float(2 * shape.layerCount).squareRoot() : 1),
                seed: configuration.weightsSeed ?? configuration.seed)
            return Parameter(
                name: name, value: value, moment1: Tensor(shape: dimensions), moment2: Tensor(shape: dimensions))
        }
    }

    /// The model as it is now.
    public func model() -> Transformer {
        let tensors = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.value) })
        return Transformer(shape, backend: backend) { tensors[$0]!.copy() }
    }

    /// One step on a batch of contexts.
    /// - Throws: `PrismError.runFailed` if the loss is no number.
    public func train(on contexts: [[Int32]]) throws -> Report {
        let model = model()
        let pressures = Pressures(configuration, step: step, tokens: contexts.reduce(0) { $0 + $1.count })
        let request = GradientRequest(
            ForwardRequest(
                contexts: contexts, capture: [],
                interventions: (0..<shape.layerCount).flatMap { pressures.interventions(layer: $0) }),
            objective: .crossEntropy(contexts, backend: backend), weights: true)
        let gradients = try model.gradients(request, workers: workers)
        let rate = configuration.rate(step: step + 1)
        let norm = parameters.reduce(0.0) { sum, parameter in
            let gradient = gradients.weights[parameter.name]!
            return sum + (0..<gradient.count).reduce(0.0) { $0 + Double(gradient.data[$1]) * Double(gradient.data[$1]) }
        }.squareRoot()
        guard gradients.value.isFinite, norm.isFinite else {
            throw PrismError.runFailed(
                "training diverged at step \(step + 1): its loss is \(gradients.value); lower the learning rate")
        }
        let scale = norm > Double(configuration.gradientClip) ? configuration.gradientClip / Float(norm) : 1
        let adam = AdamStep(step: step + 1, rate: rate, beta1: configuration.beta1, beta2: configuration.beta2)
        for parameter in parameters {
            update(parameter, by: gradients.weights[parameter.name]!, scale: scale, adam)
        }
        step += 1
        return Report(loss: gradients.value, activity: pressures.activity, gradientNorm: norm, rate: rate)
    }

    /// w ← (1 − rate · decay) w, for matrices, then Adam's step.
    private func update(_ parameter: Parameter, by gradient: Tensor, scale: Float, _ adam: AdamStep) {
        let isMatrix = parameter.value.shape.count > 1
        let kept = isMatrix ? 1 - adam.rate * configuration.weightDecay : 1
        workers.forEachRange(parameter.value.count, by: 1 << 16) { _, range in
            let (first, value) = (range.lowerBound, parameter.value.data + range.lowerBound)
            for i in 0..<range.count { value[i] *= kept }
            backend.adam(
                value, gradient: gradient.data + first, gradientScale: scale, moment1: parameter.moment1.data + first,
                moment2: parameter.moment2.data + first, count: range.count, adam)
        }
    }

    public var state: [(String, Tensor)] {
        parameters.flatMap { parameter in
            [
                (parameter.name.description, parameter.value), ("\(parameter.name).moment1", parameter.moment1),
                ("\(parameter.name).moment2", parameter.moment2),
            ]
        }
    }

    public func resume(step: Int) { self.step = step }

    /// Writes a Hugging Face folder's `config.json` and `model.safetensors`, fp32, which transformers opens as a
    /// `GPT2LMHeadModel`. The tokenizer's files are its own to write.
    public func save(to folder: URL) throws {
        var writer = SafetensorsWriter(metadata: ["format": "pt"])
        let values = Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, $0.value) })
        for (name, tensor) in shape.fileTensors(values) { writer.add(name, tensor) }
        try writer.write(to: folder.appending(path: "model.safetensors"))
        try Files.writeAtomically(
            JSONEncoder.prism.encode(GPT2File(shape)), to: folder.appending(path: "config.json"))
    }
}

extension Tensor {
    /// A weight to begin with: N(0, size²), of norms 1, of biases 0.
    static func random(_ name: WeightName, shape: [Int], size: Float, seed: UInt64) -> Tensor {
        let value = Tensor(shape: shape)
        if name.part.isNorm {
            value.fill(name.isBias ? 0 : 1)
        } else if !name.isBias {
            var random = SeededGenerator(seed: seed, stream: "begin \(name)")
            for i in 0..<value.count { value.data[i] = size * random.normal() }
        }
        return value
    }
}
