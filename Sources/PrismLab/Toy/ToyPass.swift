import CPrismKernels
import PrismCore
import PrismTensor

/// A toy model's way forward and back, on a block of samples that stays in the cache.
///
/// With g = ∂L/∂(W₂h + b₂) and q = ∂L/∂(W₁x + b₁) = σ′ ∘ (W₂ᵀg): ∂L/∂W₂ = Σ g hᵀ, ∂L/∂W₁ = Σ q xᵀ, ∂L/∂b₂ = Σ g,
/// ∂L/∂b₁ = Σ q, ∂L/∂x = W₁ᵀq.
final class ToyPass {
    /// Samples in a block.
    static let rows = 128
    private let model: ToyModel
    private let configuration: ToyConfiguration
    private let layout: ToyLayout
    private let kernels = CPUBackend().kernels
    /// Features and what the model reads of them: the same, or their projection. [rows, stride]
    let x, input: Tensor
    let inputStride: Int
    /// [rows, hidden stride]: h, ∂L/∂h, and for each hidden unit what dropout multiplies it with.
    let h, q, kept: Tensor
    /// [rows, output stride]: W₂h + b₂ and later g; the targets.
    let out, target: Tensor
    private let isTargetInput: Bool
    /// W₁ [hidden, input stride] and W₂ᵀ [hidden, output stride].
    private let encoderColumns, decoderColumns: Tensor
    private let importance: Tensor
    /// Where sums go that nobody reads.
    private let unread: Tensor
    private var noise: SeededGenerator

    init(_ model: ToyModel) {
        self.model = model
        configuration = model.configuration
        layout = model.layout
        let rows = Self.rows
        x = Tensor(rows, ToyLayout.padded(configuration.features.count))
        inputStride = ToyLayout.padded(layout.inputs)
        input = configuration.projection == nil ? x : Tensor(rows, inputStride)
        (h, q) = (Tensor(rows, layout.hiddenStride), Tensor(rows, layout.hiddenStride))
        kept = Tensor(configuration.dropout > 0 ? rows : 0, layout.hiddenStride)
        out = Tensor(rows, layout.outputStride)
        // An attack moves the inputs and leaves the targets.
        isTargetInput = configuration.target == .identity && configuration.adversarialRadius == 0
        target = isTargetInput ? x : Tensor(rows, layout.outputStride)
        encoderColumns = Tensor(configuration.adversarialRadius > 0 ? layout.hidden : 0, inputStride)
        decoderColumns = Tensor(layout.hidden, layout.outputStride)
        (importance, unread) = (Tensor(layout.outputStride), Tensor(layout.outputStride))
        for i in 0..<layout.outputs { importance.data[i] = configuration.importance(of: i) }
        noise = SeededGenerator(seed: configuration.seed, stream: "toy noise")
        readWeights()
    }

    /// To be called before a pass whenever the model's weights have changed.
    func readWeights() {
        for output in 0..<layout.outputs {
            let row = model.decoderRow(output)
            for k in 0..<layout.hidden { decoderColumns[k][output] = row[k] }
        }
        if encoderColumns.rowCount > 0 {
            for i in 0..<layout.inputs {
                for k in 0..<layout.hidden { encoderColumns[k][i] = model.encoderRow(i)[k] }
            }
        }
    }

    // MARK: Forward

    /// Outputs (before their activation) of the first `rows` samples of x. - isSparse: most of x is zero.
    func forward(rows: Int, isSparse: Bool, isTraining: Bool = false) {
        if let projection = model.projection {
            kernels.toy_product(
                x.data, Int64(x.rowWidth), Int64(rows), Int64(configuration.features.count), projection.data,
                Int64(inputStride), nil, isSparse ? 1 : 0, input.data)
        }
        forwardFromInput(
            rows: rows, isSparse: isSparse && configuration.projection == nil, isTraining: isTraining)
    }

    /// The same from what is in `input`. - isSparse: most of it is zero.
    func forwardFromInput(rows: Int, isSparse: Bool, isTraining: Bool) {
        kernels.toy_product(
            input.data, Int64(inputStride), Int64(rows), Int64(layout.inputs), model.encoderRow(0),
            Int64(layout.hiddenStride), configuration.hasHiddenBias ? model.hiddenBias : nil, isSparse ? 1 : 0, h.data)
        if isTraining && configuration.hiddenNoise > 0 {
            for row in 0..<rows {
                for k in 0..<layout.hidden { h[row][k] += configuration.hiddenNoise * noise.normal() }
            }
        }
        let count = rows * layout.hiddenStride
        if configuration.hiddenActivation == .relu { for i in 0..<count { h.data[i] = max(0, h.data[i]) } }
        if configuration.dropout > 0 {
            for i in 0..<count {
                kept.data[i] =
                    !isTraining ? 1 : noise.uniform() < configuration.dropout ? 0 : 1 / (1 - configuration.dropout)
                h.data[i] *= kept.data[i]
            }
        }
        kernels.toy_product(
            h.data, Int64(layout.hiddenStride), Int64(rows), Int64(layout.hidden), decoderColumns.data,
            Int64(layout.outputStride), model.outputBias, 0, out.data)
    }

    /// What the outputs shall be, from x.
    func setTargets(rows: Int, isSparse: Bool) {
        if isTargetInput { return }
        let n = configuration.features.count
        switch configuration.target {
        case .identity: target.data.update(from: x.data, count: rows * layout.outputStride)
        case .absolute: for i in 0..<rows * layout.outputStride { target.data[i] = abs(x.data[i]) }
        case .rectified:
            if let mixing = model.labelMixing {
                kernels.toy_product(
                    x.data, Int64(x.rowWidth), Int64(rows), Int64(n), mixing.data, Int64(layout.outputStride), nil,
                    isSparse ? 1 : 0, target.data)
            } else {
                target.fill(0)
            }
            for i in 0..<rows * layout.outputStride { target.data[i] += max(0, x.data[i]) }
        case .and:
            for row in 0..<rows {
                var pair = 0
                for i in 0..<n {
                    for j in i + 1..<max(n, i + 1) {
                        target[row][pair] = x[row][i] * x[row][j]
                        pair += 1
                    }
                }
            }
        }
    }

    /// ΣL over the first `rows` samples, without the activations' penalty. What the outputs were is lost.
    func loss(rows: Int) -> Double {
        var loss = 0.0
        _ = outputGradient(rows: rows, factor: 1, bias: unread.data, loss: &loss)
        return loss
    }

    // MARK: Backward

    /// Adds the gradient of E L over a batch, of which the block's samples are `rows`, and returns ΣL over the block.
    /// - isSparse: most of x is zero; gradient: as the model's parameters.
    func addGradient(rows: Int, batch: Int, isSparse: Bool, to gradient: Tensor) -> Double {
        var loss = 0.0
        backward(rows: rows, batch: batch, gradient: gradient, loss: &loss)
        let inputIsSparse: Int32 = isSparse && configuration.projection == nil ? 1 : 0
        kernels.toy_accumulate(
            input.data, Int64(inputStride), Int64(rows), Int64(layout.inputs), q.data, Int64(layout.hiddenStride),
            inputIsSparse, gradient.data)
        if configuration.hasHiddenBias {
            for row in 0..<rows {
                for k in 0..<layout.hidden { gradient.data[layout.hiddenBias + k] += q[row][k] }
            }
        }
        return loss
    }

    /// From out and target to g, q, ∂L/∂W₂ and ∂L/∂b₂.
    private func backward(rows: Int, batch: Int, gradient: Tensor, loss: inout Double) {
        let count = outputGradient(
            rows: rows, factor: 1 / Float(batch), bias: gradient.data + layout.outputBias, loss: &loss)
        let isSparse: Int32 = Self.isSparse(count, rows: rows, width: layout.outputs) ? 1 : 0
        kernels.toy_accumulate(
            out.data, Int64(layout.outputStride), Int64(rows), Int64(layout.outputs), h.data,
            Int64(layout.hiddenStride), isSparse, gradient.data + layout.decoder)
        kernels.toy_product(
            out.data, Int64(layout.outputStride), Int64(rows), Int64(layout.outputs), model.decoderRow(0),
            Int64(layout.hiddenStride), nil, isSparse, q.data)
        let hiddenCount = rows * layout.hiddenStride
        if configuration.activationL1 > 0 {
            let slope = configuration.activationL1 / Float(batch)
            for i in 0..<hiddenCount {
                q.data[i] += h.data[i] > 0 ? slope : h.data[i] < 0 ? -slope : 0
                loss += Double(configuration.activationL1 * abs(h.data[i]))
            }
        }
        if configuration.dropout > 0 { for i in 0..<hiddenCount { q.data[i] *= kept.data[i] } }
        if configuration.hiddenActivation == .relu { for i in 0..<hiddenCount where h.data[i] <= 0 { q.data[i] = 0 } }
    }

    /// From out and target to g; returns how many of its numbers are not zero.
    private func outputGradient(rows: Int, factor: Float, bias: UnsafeMutablePointer<Float>, loss: inout Double) -> Int
    {
        Int(
            kernels.toy_error(
                out.data, target.data, importance.data, Int64(rows), Int64(layout.outputStride),
                configuration.outputActivation == .relu ? 1 : 0, factor, bias, &loss))
    }

    /// ∂L/∂x of each sample, [rows, input stride], written to `into`; the sums it adds to `scratch` are of no use.
    func inputGradient(rows: Int, scratch: Tensor, into dx: Tensor) {
        var loss = 0.0
        backward(rows: rows, batch: 1, gradient: scratch, loss: &loss)
        kernels.toy_product(
            q.data, Int64(layout.hiddenStride), Int64(rows), Int64(layout.hidden), encoderColumns.data,
            Int64(inputStride), nil, 0, dx.data)
    }

    /// Whether products that skip the zeros of rows of `width` numbers are faster.
    static func isSparse(_ count: Int, rows: Int, width: Int) -> Bool {
        mayBeSparse(width: width) && Double(count) < 0.15 * Double(rows * width)
    }

    /// Not for short rows, whose end the processor cannot foresee.
    static func mayBeSparse(width: Int) -> Bool { width >= 64 }
}
