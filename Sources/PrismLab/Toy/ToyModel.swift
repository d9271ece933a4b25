import CPrismKernels
import PrismCore
import PrismTensor

/// The weights of a toy model, and what it computes (`ToyConfiguration` holds the equations).
public struct ToyModel: Sendable {
    public let configuration: ToyConfiguration
    let layout: ToyLayout
    /// Everything that is trained, in the order of `layout`.
    let parameters: Tensor
    /// P, [features, projection stride]; M, [features, output stride] (`Target.rectified`). Fixed.
    let projection, labelMixing: Tensor?

    /// Weights as training begins with.
    /// - Throws: `PrismError.usage` where the configuration is out of range.
    public init(_ configuration: ToyConfiguration) throws {
        try configuration.validate()
        self.configuration = configuration
        layout = ToyLayout(configuration)
        parameters = Tensor(layout.count)
        var fixed = SeededGenerator(seed: configuration.seed, stream: "toy projection")
        let n = configuration.features.count
        projection = configuration.projection.map { width in
            // Columns of length one on average.
            let matrix = Tensor(n, ToyLayout.padded(width))
            for row in 0..<n { for c in 0..<width { matrix[row][c] = fixed.normal() / Float(width).squareRoot() } }
            return matrix
        }
        if case .rectified(let noise) = configuration.target, noise > 0 {
            let matrix = Tensor(n, ToyLayout.padded(n))
            for row in 0..<n { for c in 0..<n where c != row { matrix[row][c] = noise * fixed.normal() } }
            labelMixing = matrix
        } else {
            labelMixing = nil
        }
        var generator = SeededGenerator(seed: configuration.seed, stream: "toy weights")
        let scale =
            configuration.initialScale
            ?? (2 / Float(layout.inputs + layout.hidden)).squareRoot()
        for row in 0..<layout.inputs {
            for column in 0..<layout.hidden { encoderRow(row)[column] = scale * generator.normal() }
        }
        if !configuration.isTied {
            for row in 0..<layout.outputs {
                for column in 0..<layout.hidden { decoderRow(row)[column] = scale * generator.normal() }
            }
        }
        if configuration.hasHiddenBias {
            for column in 0..<layout.hidden { hiddenBias[column] = configuration.initialHiddenBias }
        }
    }

    private init(copying other: ToyModel) {
        (configuration, layout) = (other.configuration, other.layout)
        (projection, labelMixing) = (other.projection, other.labelMixing)
        parameters = other.parameters.copy()
    }

    /// The same weights in memory of their own.
    public func copy() -> ToyModel { ToyModel(copying: self) }

    func encoderRow(_ row: Int) -> UnsafeMutablePointer<Float> { parameters.data + row * layout.hiddenStride }
    func decoderRow(_ row: Int) -> UnsafeMutablePointer<Float> {
        parameters.data + layout.decoder + row * layout.hiddenStride
    }
    var hiddenBias: UnsafeMutablePointer<Float> { parameters.data + layout.hiddenBias }
    var outputBias: UnsafeMutablePointer<Float> { parameters.data + layout.outputBias }

    /// W₁ᵀ, [inputs, hidden]: row i is the embedding Wᵢ of feature i. A copy.
    public var embeddings: Tensor { unpadded(layout.inputs, encoderRow) }
    /// W₂, [outputs, hidden]: row i reads output i from h. A copy; of a tied model the embeddings.
    public var readouts: Tensor { unpadded(layout.outputs, decoderRow) }
    /// b₁, [hidden], and b₂, [outputs]: zeros where the model has none.
    public var biases: (hidden: [Float], output: [Float]) {
        (
            Array(UnsafeBufferPointer(start: hiddenBias, count: layout.hidden)),
            Array(UnsafeBufferPointer(start: outputBias, count: layout.outputs))
        )
    }

    /// Puts other weights in place, for models made by hand.
    /// - embeddings: [inputs, hidden]; readouts: [outputs, hidden], nil where tied; outputBias: [outputs].
    public func set(embeddings: Tensor, readouts: Tensor? = nil, hiddenBias: [Float]? = nil, outputBias: [Float]? = nil)
    {
        precondition(embeddings.shape == [layout.inputs, layout.hidden] && (readouts == nil) == configuration.isTied)
        for row in 0..<layout.inputs { encoderRow(row).update(from: embeddings[row], count: layout.hidden) }
        if let readouts {
            for row in 0..<layout.outputs { decoderRow(row).update(from: readouts[row], count: layout.hidden) }
        }
        for (i, value) in (hiddenBias ?? []).enumerated() { self.hiddenBias[i] = value }
        for (i, value) in (outputBias ?? []).enumerated() { self.outputBias[i] = value }
    }

    private func unpadded(_ rows: Int, _ row: (Int) -> UnsafeMutablePointer<Float>) -> Tensor {
        let result = Tensor(rows, layout.hidden)
        for r in 0..<rows { result[r].update(from: row(r), count: layout.hidden) }
        return result
    }

    /// Hidden activations and outputs of given features. - x: [samples, features].
    public func run(_ x: Tensor) -> (hidden: Tensor, outputs: Tensor) {
        let pass = ToyPass(self)
        let (hidden, outputs) = (Tensor(x.rowCount, layout.hidden), Tensor(x.rowCount, layout.outputs))
        for start in stride(from: 0, to: x.rowCount, by: ToyPass.rows) {
            let rows = min(ToyPass.rows, x.rowCount - start)
            for row in 0..<rows {
                pass.x[row].update(from: x[start + row], count: configuration.features.count)
            }
            pass.forward(rows: rows, isSparse: false)
            for row in 0..<rows {
                hidden[start + row].update(from: pass.h[row], count: layout.hidden)
                outputs[start + row].update(from: pass.out[row], count: layout.outputs)
                if configuration.outputActivation == .relu {
                    for i in 0..<layout.outputs { outputs[start + row][i] = max(0, outputs[start + row][i]) }
                }
            }
        }
        return (hidden, outputs)
    }

    /// What the outputs shall be for given features. - x: [samples, features]. Returns [samples, outputs].
    public func targets(_ x: Tensor) -> Tensor {
        let pass = ToyPass(self)
        let result = Tensor(x.rowCount, layout.outputs)
        for row in 0..<x.rowCount {
            pass.x[0].update(from: x[row], count: configuration.features.count)
            pass.setTargets(rows: 1, isSparse: false)
            result[row].update(from: pass.target[0], count: layout.outputs)
        }
        return result
    }

    /// E Iᵢ(tᵢ − yᵢ)² for each output i, [outputs], over given samples [samples, features].
    public func errors(on x: Tensor) -> [Double] {
        let (outputs, targets) = (run(x).outputs, targets(x))
        var sums = [Double](repeating: 0, count: layout.outputs)
        for row in 0..<x.rowCount {
            for i in sums.indices {
                let error = Double(targets[row][i] - outputs[row][i])
                sums[i] += error * error
            }
        }
        return sums.indices.map { sums[$0] / Double(x.rowCount) * Double(configuration.importance(of: $0)) }
    }

    /// L on given samples [samples, features].
    public func loss(on x: Tensor) -> Double { errors(on: x).reduce(0, +) }
}

/// Where a toy model's parameters lie: W₁ᵀ [inputs, hiddenStride], W₂ [outputs, hiddenStride] unless it is tied, b₁, b₂. Rows
/// are padded with zeros to whole vectors.
struct ToyLayout: Sendable {
    let inputs, hidden, outputs: Int
    let hiddenStride, outputStride: Int
    let decoder, hiddenBias, outputBias, count: Int

    init(_ configuration: ToyConfiguration) {
        (inputs, hidden) = (configuration.projection ?? configuration.features.count, configuration.hidden)
        outputs = configuration.outputs
        (hiddenStride, outputStride) = (Self.padded(hidden), Self.padded(outputs))
        decoder = configuration.isTied ? 0 : inputs * hiddenStride
        hiddenBias = decoder + outputs * hiddenStride
        outputBias = hiddenBias + hiddenStride
        count = outputBias + outputStride
    }

    static func padded(_ width: Int) -> Int {
        let lanes = Int(PRISM_TOY_LANES)
        return (width + lanes - 1) / lanes * lanes
    }
}

extension ToyConfiguration {
    func importance(of output: Int) -> Float { importance.count == 1 ? importance[0] : importance[output] }
}
