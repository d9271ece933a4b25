import CPrismKernels
import Foundation
import PrismCore
import PrismTensor

/// Trains one toy model. Instances share nothing, so that each has a thread to itself from the first step to the last.
final class ToyTrainer {
    let model: ToyModel
    private(set) var step = 0
    private let configuration: ToyConfiguration
    private let pass: ToyPass
    /// Makes the steps of models that it serves.
    private let narrow: NarrowPass?
    private let sampler: FeatureSampler
    private let gradient, firstMoment, secondMoment: Tensor
    /// The samples that every step uses, [samples, stride of x]; nil where steps draw new ones.
    private let dataset: Tensor?
    private let kernels = CPUBackend().kernels
    /// For adversarial steps: ∂L/∂x and sums that nobody reads.
    private let inputGradient, scratch: Tensor

    init(_ model: ToyModel) {
        self.model = model
        configuration = model.configuration
        pass = ToyPass(model)
        narrow = NarrowPass(model)
        sampler = FeatureSampler(configuration.features, seed: configuration.seed, stream: "toy samples")
        gradient = Tensor(model.layout.count)
        (firstMoment, secondMoment) = (Tensor(model.layout.count), Tensor(model.layout.count))
        let isAdversarial = configuration.adversarialRadius > 0
        inputGradient = Tensor(isAdversarial ? ToyPass.rows : 0, pass.inputStride)
        scratch = Tensor(isAdversarial ? model.layout.count : 0)
        dataset = configuration.trainingSet.map { [pass] samples in
            let points = Tensor(samples.rowCount, pass.x.rowWidth)
            for row in 0..<samples.rowCount { points[row].update(from: samples[row], count: samples.rowWidth) }
            return points
        }
    }

    /// One step of the optimiser; returns the batch's loss.
    func train() -> Double {
        let batch = dataset?.rowCount ?? configuration.batch
        let loss = computeGradient(batch: batch)
        step += 1
        update()
        return loss
    }

    /// ∂L/∂parameters of one batch into `gradient`; returns L.
    func computeGradient(batch: Int) -> Double {
        gradient.fill(0)
        var loss = 0.0
        if let narrow, batch % Int(PRISM_TOY_LANES) == 0 {
            for start in stride(from: 0, to: batch, by: ToyPass.rows) {
                let samples = min(ToyPass.rows, batch - start)
                sampler.fill(narrow: narrow.x.data, samples: samples)
                loss += narrow.addGradient(samples: samples, batch: batch, to: gradient)
            }
            return loss / Double(batch)
        }
        pass.readWeights()
        for start in stride(from: 0, to: batch, by: ToyPass.rows) {
            let rows = min(ToyPass.rows, batch - start)
            let isSparse = ToyPass.isSparse(
                draw(rows: rows, at: start), rows: rows, width: configuration.features.count)
            pass.setTargets(rows: rows, isSparse: isSparse)
            pass.forward(rows: rows, isSparse: isSparse, isTraining: true)
            var isStillSparse = isSparse
            if configuration.adversarialRadius > 0 {
                attack(rows: rows)
                isStillSparse = false
                pass.forwardFromInput(rows: rows, isSparse: false, isTraining: true)
            }
            loss += pass.addGradient(rows: rows, batch: batch, isSparse: isStillSparse, to: gradient)
        }
        return loss / Double(batch)
    }

    var gradients: Tensor { gradient }

    /// L on samples that training does not draw, the same ones for equal distributions.
    func heldOutLoss(samples: Int) -> Double {
        let sampler = FeatureSampler(configuration.features, seed: 0, stream: "toy evaluation")
        pass.readWeights()
        var loss = 0.0
        for start in stride(from: 0, to: samples, by: ToyPass.rows) {
            let rows = min(ToyPass.rows, samples - start)
            let count = sampler.fill(pass.x.data, rows: rows, stride: pass.x.rowWidth)
            if configuration.normalisesSamples { pass.x.rows(0..<rows).normaliseRows() }
            let isSparse = ToyPass.isSparse(count, rows: rows, width: configuration.features.count)
            pass.setTargets(rows: rows, isSparse: isSparse)
            pass.forward(rows: rows, isSparse: isSparse)
            loss += pass.loss(rows: rows)
        }
        return loss / Double(samples)
    }

    private func draw(rows: Int, at start: Int) -> Int {
        if let dataset {
            pass.x.data.update(from: dataset[start], count: rows * dataset.rowWidth)
            return (0..<rows * dataset.rowWidth).count { pass.x.data[$0] != 0 }
        }
        let count = sampler.fill(pass.x.data, rows: rows, stride: pass.x.rowWidth)
        if configuration.normalisesSamples { pass.x.rows(0..<rows).normaliseRows() }
        return count
    }

    /// Moves each input by the radius in the direction in which its loss rises fastest.
    private func attack(rows: Int) {
        pass.inputGradient(rows: rows, scratch: scratch, into: inputGradient)
        for row in 0..<rows {
            let direction = inputGradient[row]
            var square: Float = 0
            for i in 0..<pass.inputStride { square += direction[i] * direction[i] }
            guard square > 0 else { continue }
            let scale = configuration.adversarialRadius / square.squareRoot()
            for i in 0..<pass.inputStride { pass.input[row][i] += scale * direction[i] }
        }
    }

    // MARK: The optimiser

    /// η of the step that is being made.
    private var rate: Float {
        let peak = configuration.learningRate
        if step <= configuration.warmup { return peak * Float(step) / Float(configuration.warmup) }
        guard configuration.decaysRate else { return peak }
        let share = Double(step - configuration.warmup) / Double(max(1, configuration.steps - configuration.warmup))
        return peak * Float(0.5 * (1 + cos(.pi * min(1, share))))
    }

    private func update() {
        let (rate, decay) = (rate, configuration.weightDecay)
        let weights = model.layout.hiddenBias
        if decay != 0 {
            if configuration.optimiser == .adamW {
                decay > 0 ? shrink(by: rate * decay) : growTowardsOne(by: rate * -decay)
            } else {
                for i in 0..<weights { gradient.data[i] += decay * model.parameters.data[i] }
            }
        }
        // Biases that the model does not have stay zero.
        if !configuration.hasHiddenBias {
            (gradient.data + weights).update(repeating: 0, count: model.layout.hiddenStride)
        }
        if !configuration.hasOutputBias {
            (gradient.data + model.layout.outputBias).update(repeating: 0, count: model.layout.outputStride)
        }
        switch configuration.optimiser {
        case .sgd:
            for i in 0..<model.layout.count { model.parameters.data[i] -= rate * gradient.data[i] }
        case .adam, .adamW:
            let (beta1, beta2): (Float, Float) = (0.9, 0.999)
            kernels.adam(
                model.parameters.data, gradient.data, firstMoment.data, secondMoment.data, Int64(model.layout.count), 1,
                rate, beta1, beta2, Float(1 / (1 - pow(Double(beta1), Double(step)))),
                Float(1 / (1 - pow(Double(beta2), Double(step)))), 1e-8)
        }
    }

    private func shrink(by share: Float) {
        for i in 0..<model.layout.hiddenBias { model.parameters.data[i] *= 1 - share }
    }

    private func growTowardsOne(by share: Float) {
        let width = model.layout.hiddenStride
        for start in stride(from: 0, to: model.layout.hiddenBias, by: width) {
            let row = model.parameters.data + start
            var square: Float = 0
            for k in 0..<width { square += row[k] * row[k] }
            guard square > 0 else { continue }
            let factor = 1 + share * (1 / square.squareRoot() - 1)
            for k in 0..<width { row[k] *= factor }
        }
    }
}

extension ToyConfiguration {
    /// The samples that every step uses, [dataset, features]; nil where steps draw new ones.
    var trainingSet: Tensor? {
        dataset.map { count in
            let samples = features.samples(count, seed: seed, stream: "toy samples")
            if normalisesSamples { samples.normaliseRows() }
            return samples
        }
    }
}
