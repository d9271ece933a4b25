import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// Trains a sparse dictionary, one batch a step. What is said here holds for every architecture; its own part is in
/// `ArchitectureRule`.
///
///     x′ = s·x − b_in       π = W_enc x′ + b_enc       z = activation(π)       e = Σᵢ zᵢ W_dec[i] + b_dec (+ W_skip s·x) − s·y
///     loss = u/2 · Σ‖e‖² + the architecture's penalty + what wakes dead latents
///
/// For selection by count u = 2 / Σ‖y − mean‖², so that the loss is FVU; for penalties u = 2 / batch, so that it is a mean
/// over vectors of sums over dimensions, the convention that λ belongs to.
///
/// Gradients touch only active latents, each latent's row once: ∂W_dec[i] = u Σₜ zₜᵢ eₜ, ∂W_enc[i] = u Σₜ pₜᵢ x′ₜ with the
/// pull pₜᵢ = ∂loss/∂πₜᵢ, which begins as eₜ·W_dec[i]. While many latents are active the same sums are matrix products
/// (`isDense`). Decoder rows of norm 1 keep it: a gradient's component along its row is removed before Adam sees it, and
/// the row is renormalised after.
public final class DictionaryTrainer {
    public let configuration: TrainingConfiguration
    public let wiring: Wiring
    /// Steps done.
    public internal(set) var step = 0
    /// s: what inputs and outputs are multiplied with before training, for each of their numbers.
    package let inputScale, outputScale: Tensor

    /// After a step, gradients are those that it used, in units of u.
    package let encoder, encoderBias, decoder, decoderBias: Parameter
    package let skip: Parameter?
    let rule: any ArchitectureRule
    /// Vectors since each latent last fired, [latents]; exact in fp32 up to 2²⁴, where it stops counting.
    package let silence: Tensor
    /// Σ over the batch of each latent's pulls, [latents].
    let pullSums: Tensor
    /// The last step's mean L0 and, for selection over a batch, its smallest activation.
    package let pace = Tensor(2)
    /// Told where the time goes, if somebody wants to know.
    package var profile: StepProfile?

    let backend: any Backend
    let workers: Workers
    var layout: EncoderLayout
    /// What pre-activations must exceed, [padded latents].
    let thresholds: Tensor
    /// x′, [batch, input width], and s·y − b_dec, [batch, output width]; the same for an autoencoder.
    package let centred: Tensor
    let target: Tensor
    /// Σ over the groups from one on of their e: what a latent of that group pulls at, [batch, output width] each.
    let errors: [Tensor]
    var sparse: SparseStep
    lazy var dense = DenseStep(self)
    lazy var auxiliary = AuxiliaryReconstruction(self)

    /// Rows of one block: what a thread encodes and decodes while they are in its cache.
    static let blockRows = 96
    /// Latents of one block; a multiple of every panel width.
    static let blockLatents = 64

    public init(
        _ configuration: TrainingConfiguration, _ wiring: Wiring, backend: any Backend = CPUBackend(),
        workers: Workers = Workers()
    ) throws {
        try configuration.validate(wiring)
        self.configuration = configuration
        self.wiring = wiring
        self.backend = backend
        self.workers = workers
        let (latents, batch) = (configuration.latents, configuration.batch)
        let (width, outputWidth) = (wiring.inputWidth, wiring.outputWidth)
        encoder = Parameter(latents, width)
        encoderBias = Parameter(latents)
        decoder = Parameter(latents, outputWidth)
        decoderBias = Parameter(outputWidth)
        skip = configuration.skip ? Parameter(outputWidth, width) : nil
        rule = configuration.rule(encoderBias: encoderBias.value)
        silence = Tensor(latents)
        pullSums = Tensor(latents)
        inputScale = Tensor(width)
        outputScale = wiring.isAutoencoder ? inputScale : Tensor(outputWidth)
        inputScale.fill(1)
        outputScale.fill(1)
        centred = Tensor(batch, width)
        target = wiring.isAutoencoder ? centred : Tensor(batch, outputWidth)
        errors = rule.groupEnds.dropFirst().reduce(into: [Tensor(batch, outputWidth)]) { list, _ in
            list.append(Tensor(batch, outputWidth))
        }
        layout = backend.prepare(
            encoder: encoder.value, bias: encoderBias.value, precision: configuration.precision)
        thresholds = Tensor(layout.paddedCount)
        sparse = SparseStep(
            rule, batch: batch, latents: latents, outputWidth: outputWidth, slots: Self.slots(configuration))
    }

    private static func slots(_ configuration: TrainingConfiguration) -> Int {
        let k = max(configuration.k, configuration.kStart ?? 0)
        return [.topK, .matchingPursuit].contains(configuration.architecture) ? k : min(configuration.latents, 4 * k)
    }

    /// Everything that Adam moves.
    package var parameters: [(name: String, parameter: Parameter)] {
        [("encoder", encoder), ("encoder_bias", encoderBias), ("decoder", decoder), ("decoder_bias", decoderBias)]
            + (skip.map { [("skip", $0)] } ?? []) + rule.parameters
    }
    package var ruleMemory: Tensor { rule.memory }

    // MARK: Start

    /// Draws the first weights: decoder rows in random directions, of norm 1 or, where they are free, 0.1; the encoder equal
    /// to them; b_dec the geometric median of the batch. A transcoder's decoder starts at zero, its encoder at random.
    /// - batch, output: vectors as the source gives them, [batch, input width] and, for a transcoder, [batch, output width].
    public func initialise(from batch: Tensor, output: Tensor? = nil) {
        var generator = SeededGenerator(seed: configuration.seed, stream: "dictionary")
        let size: Float = configuration.keepsUnitNorm ? 1 : 0.1
        for latent in 0..<configuration.latents {
            let row = encoder.value[latent]
            for c in 0..<wiring.inputWidth { row[c] = generator.normal() }
            scale(row, wiring.inputWidth, to: size)
            if wiring.isAutoencoder { decoder.value[latent].update(from: row, count: wiring.inputWidth) }
        }
        if !wiring.isAutoencoder && configuration.keepsUnitNorm {
            for latent in 0..<configuration.latents {
                let row = decoder.value[latent]
                for c in 0..<wiring.outputWidth { row[c] = generator.normal() }
                scale(row, wiring.outputWidth, to: 1)
            }
        }
        if configuration.normalise {
            // Scales that differ could not be folded into an encoder that is the decoder.
            setScale(inputScale, rule.tiesEncoder ? [wiring.inputWidth] : wiring.input, batch)
            if let output { setScale(outputScale, wiring.output!, output) }
        }
        let scaled = (output ?? batch).copy()
        for t in 0..<scaled.rowCount { for c in 0..<scaled.rowWidth { scaled[t][c] *= outputScale.data[c] } }
        geometricMedian(of: scaled, workers: workers, into: decoderBias.value)
        refreshLayout()
        centre(batch, output)
        rule.begin {
            let vectors = centred.rows(0..<min(256, configuration.batch))
            let sample = Tensor(vectors.rowCount, configuration.latents)
            backend.multiply(vectors, by: encoder.value, transposed: true, into: sample)
            return sample
        }
        pace.data[0] = rule.selection(step: 1) == .above ? Float(configuration.latents) : 0
    }

    /// Each hook point's vectors are scaled to a mean norm of √(its width).
    private func setScale(_ scale: Tensor, _ widths: [Int], _ batch: Tensor) {
        var first = 0
        for width in widths {
            let sum = (0..<batch.rowCount).reduce(0.0) {
                $0 + Double(backend.dot(batch[$1] + first, batch[$1] + first, count: width).squareRoot())
            }
            let mean = sum / Double(batch.rowCount)
            for c in first..<first + width { scale.data[c] = mean > 0 ? Float(Double(width).squareRoot() / mean) : 1 }
            first += width
        }
    }

    // MARK: A step

    /// What one step measured on its batch, before its update.
    public struct Report: Sendable {
        /// Σ‖y − ŷ‖² / Σ‖y − mean‖² over the batch.
        public var fvu = 0.0
        /// λ times the penalty.
        public var sparsityLoss = 0.0
        /// AuxK's.
        public var auxiliaryLoss = 0.0
        public var l0 = 0.0
        public var dead = 0
        public var gradientNorm = 0.0
        public var rate: Float = 0
    }

    /// One optimiser step.
    /// - batch: [batch, input width]. output: for a transcoder, [batch, output width].
    public func train(on batch: Tensor, output: Tensor? = nil) throws -> Report {
        precondition(batch.shape == [configuration.batch, wiring.inputWidth])
        precondition((output == nil) == wiring.isAutoencoder && output?.shape ?? target.shape == target.shape)
        let diverged = PrismError.runFailed(
            "step \(step + 1): the weights are no longer finite numbers, the training diverged; lower the learning rate"
        )
        profile?.resume()
        centre(batch, output)
        profile?.end("centring")
        let path: any StepPath = isDense ? dense : sparse
        let dead = (0..<configuration.latents).filter { silence.data[$0] >= Float(configuration.deadThreshold) }
        let wakes = !dead.isEmpty && configuration.wakeWeight > 0
        let helper = wakes && configuration.wakes == .auxK ? auxiliary : nil
        path.forward(self, alsoSelecting: helper.map { [$0.selection(among: dead)] } ?? [])
        let sums = errorSums()
        profile?.end("sums over the batch")
        guard sums.error.isFinite, sums.variance.isFinite else { throw diverged }
        let unit =
            configuration.selectsByCount ? (sums.variance > 0 ? 2 / sums.variance : 0) : 2 / Double(configuration.batch)
        let weights = StepWeights(
            perVector: unit > 0 ? Float(1 / (unit * Double(configuration.batch))) : 0,
            sparsity: configuration.sparsity(step: step + 1))
        let statistics = path.statistics
        var report = Report(fvu: sums.variance > 0 ? sums.error / sums.variance : 0, l0: statistics.l0)
        report.sparsityLoss = rule.observe(statistics, weights)
        report.dead = dead.count
        helper?.reconstruct(sums, unit: unit, self)
        profile?.end("auxiliary reconstruction")
        helper?.setGradients(self)
        profile?.end("auxiliary gradients")
        let pulledUp = wakes && configuration.wakes == .preactivation ? Set(dead) : []
        let total = path.backward(
            self, BackwardPass(weights: weights, auxiliary: helper, pulledUp: pulledUp, inputColumns: sums.inputColumns)
        )
        let squaredNorm = total.squares + gradientsOfOutput(sums.errorColumns)
        profile?.end("gradients")
        guard squaredNorm.isFinite else { throw diverged }
        report.auxiliaryLoss = helper?.loss ?? 0
        report.sparsityLoss += Double(weights.sparsity) * total.penalty / Double(configuration.batch)
        rule.finish(total)

        step += 1
        report.gradientNorm = unit * squaredNorm.squareRoot()
        report.rate = configuration.rate(step: step)
        pace.data[0] = Float(statistics.l0)
        pace.data[1] = statistics.smallestActivation
        let clip = min(1, Double(configuration.gradientClip) / max(report.gradientNorm, 1e-30))
        let (beta1, beta2) = configuration.adamBetas
        update(
            gradientScale: Float(unit * clip), AdamStep(step: step, rate: report.rate, beta1: beta1, beta2: beta2))
        profile?.end("Adam")
        if configuration.wakes == .resample, configuration.resamplesAfter.contains(step), !dead.isEmpty {
            resample(dead)
        }
        return report
    }

    /// Whether the next step's sums are matrix products over all latents: while more than one in sixteen is active, the
    /// threshold from which they take less time.
    var isDense: Bool {
        rule.selection(step: step + 1) == .above && pace.data[0] * 16 > Float(configuration.latents)
    }

    private func centre(_ batch: Tensor, _ output: Tensor?) {
        let bias = decoderBias.value.data
        /// out = s·x − bias, or without bias.
        func set(_ out: UnsafeMutablePointer<Float>, _ x: UnsafePointer<Float>, _ scale: Tensor, _ isCentred: Bool) {
            let (factors, count) = (scale.data, scale.count)
            if isCentred {
                for c in 0..<count { out[c] = factors[c] * x[c] - bias[c] }
            } else {
                for c in 0..<count { out[c] = factors[c] * x[c] }
            }
        }
        workers.forEachRange(batch.rowCount, by: Self.blockRows) { _, range in
            for t in range {
                set(centred[t], batch[t], inputScale, wiring.isAutoencoder)
                if let output { set(target[t], output[t], outputScale, true) }
            }
        }
    }

    // MARK: Sums over the batch

    struct Sums {
        /// Σ‖e‖² of the whole dictionary, Σ‖y − mean‖², and the residual's own variance.
        var error = 0.0, variance = 0.0, residualVariance = 0.0
        /// Σ over vectors and groups of e, [output width].
        var errorColumns: [Double] = []
        /// Σ x′, [input width].
        var inputColumns: [Double] = []
    }

    /// Sums of e, combined in block order; then turns e of each group into what its latents pull at.
    private func errorSums() -> Sums {
        let (rows, outputWidth) = (configuration.batch, wiring.outputWidth)
        struct Block {
            var error = 0.0, targetSquares = 0.0
            let e, pulled, target, input: Tensor
        }
        let ones = [Float](repeating: 1, count: Self.blockRows)
        let blocks = mapBlocksOfRows { _, range in
            func square(_ tensor: Tensor) -> Double {
                range.reduce(0) { $0 + Double(backend.dot(tensor[$1], tensor[$1], count: outputWidth)) }
            }
            let numbers = range.map(Int32.init)
            func columns(_ tensor: Tensor) -> Tensor {
                let sum = Tensor(tensor.rowWidth)
                numbers.withUnsafeBufferPointer { rows in
                    ones.withUnsafeBufferPointer {
                        backend.sumRows(of: tensor, rows: rows, weights: $0.baseAddress!, start: nil, into: sum.data)
                    }
                }
                return sum
            }
            let last = errors.last!
            let (error, e) = (square(last), columns(last))
            for group in errors.indices.dropLast().reversed() {
                backend.add(errors[group + 1].rows(range), to: errors[group].rows(range))
            }
            let y = columns(target)
            return Block(
                error: error, targetSquares: square(target), e: e, pulled: errors.count == 1 ? e : columns(errors[0]),
                target: y, input: wiring.isAutoencoder ? y : columns(centred))
        }
        func total(_ columns: (Block) -> Tensor) -> [Double] {
            var sum = [Double](repeating: 0, count: columns(blocks[0]).count)
            for block in blocks {
                let part = columns(block)
                for c in sum.indices { sum[c] += Double(part.data[c]) }
            }
            return sum
        }
        func spread(_ squares: Double, _ columns: [Double]) -> Double {
            squares - columns.reduce(0) { $0 + $1 * $1 } / Double(rows)
        }
        let error = blocks.reduce(0) { $0 + $1.error }
        return Sums(
            error: error, variance: spread(blocks.reduce(0) { $0 + $1.targetSquares }, total(\.target)),
            residualVariance: spread(error, total(\.e)), errorColumns: total(\.pulled), inputColumns: total(\.input))
    }

    // MARK: Update

    private func update(gradientScale: Float, _ adam: AdamStep) {
        workers.forEachRange(configuration.latents, by: Self.blockLatents) { _, range in
            for parameter in (rule.tiesEncoder ? [decoder] : [encoder, encoderBias, decoder])
                + rule.parameters.map(\.parameter)
            {
                parameter.step(range, gradientScale: gradientScale, adam, backend)
            }
            if configuration.keepsUnitNorm {
                for latent in range { scale(decoder.value[latent], wiring.outputWidth, to: 1) }
            }
            if rule.tiesEncoder { encoder.value.rows(range).update(from: decoder.value.rows(range)) }
            backend.refresh(layout, latents: range)
        }
        decoderBias.step(0..<wiring.outputWidth, gradientScale: gradientScale, adam, backend)
        skip?.step(0..<wiring.outputWidth, gradientScale: gradientScale, adam, backend)
    }

    /// Takes over weights that were written from outside, by `initialise` or a checkpoint.
    package func refreshLayout() { backend.refresh(layout, latents: 0..<configuration.latents) }

    func norm(_ row: UnsafePointer<Float>, _ count: Int) -> Float { backend.dot(row, row, count: count).squareRoot() }

    func scale(_ row: UnsafeMutablePointer<Float>, _ count: Int, to size: Float) {
        let factor = size / max(norm(row, count), 1e-8)
        for c in 0..<count { row[c] *= factor }
    }

    // MARK: Result

    /// The dictionary as it stands, for activations as the source gives them: with scales s and s′ of input and output,
    /// W_enc·s, W_dec/s′, b_dec/s′, W_skip·s/s′; pre-activations, b_enc and thresholds are unchanged.
    public func dictionary() -> SparseDictionary {
        func folded(_ tensor: Tensor, in inputFactors: Tensor? = nil, out outputFactors: Tensor? = nil) -> Tensor {
            let result = tensor.shape.count == 1 ? tensor.copy().reshaped(1, tensor.count) : tensor.copy()
            for row in 0..<result.rowCount {
                for c in 0..<result.rowWidth {
                    result[row][c] *= (inputFactors?.data[c] ?? 1) / (outputFactors?.data[c] ?? 1)
                }
            }
            return tensor.shape.count == 1 ? result.reshaped(tensor.count) : result
        }
        let linear = skip.map { skip in
            let result = folded(skip.value, in: inputScale)
            for row in 0..<result.rowCount {
                for c in 0..<result.rowWidth { result[row][c] /= outputScale.data[row] }
            }
            return result
        }
        // A pursuit of x′ is s times the pursuit of x, s being one number: only b_dec needs folding.
        let (scaleIn, scaleOut) = rule.tiesEncoder ? (nil, nil) : (inputScale, outputScale)
        return SparseDictionary(
            encoder: folded(encoder.value, in: scaleIn), encoderBias: encoderBias.value.copy(),
            decoder: folded(decoder.value, out: scaleOut), decoderBias: folded(decoderBias.value, out: outputScale),
            activation: rule.activation(), centresInput: wiring.isAutoencoder, skip: linear, backend: backend)
    }
}

/// Which activations a dictionary reads and which it writes.
public struct Wiring: Codable, Hashable, Sendable {
    /// Widths of the hook points whose activations, side by side, are the input: one, or several for a crosscoder.
    public let input: [Int]
    /// Those of the output for a transcoder; nil for a dictionary that writes what it reads.
    public let output: [Int]?

    public init(input: [Int], output: [Int]? = nil) {
        self.input = input
        self.output = output
    }

    /// An autoencoder on one hook point.
    public init(width: Int) { self.init(input: [width]) }

    public var isAutoencoder: Bool { output == nil }
    public var inputWidth: Int { input.reduce(0, +) }
    public var outputWidth: Int { (output ?? input).reduce(0, +) }
    /// Where each hook point's numbers lie in a decoder row.
    var outputRanges: [Range<Int>] {
        var end = 0
        return (output ?? input).map { width in
            defer { end += width }
            return end..<end + width
        }
    }
}

extension DictionaryTrainer: Checkpointed {
    public var state: [(String, Tensor)] {
        parameters.flatMap { name, parameter in
            [(name, parameter.value), ("\(name).moment1", parameter.moment1), ("\(name).moment2", parameter.moment2)]
        } + [
            ("silence", silence), ("rule", ruleMemory), ("pace", pace), ("input_scale", inputScale),
            ("output_scale", outputScale),
        ]
    }

    public func resume(step: Int) {
        self.step = step
        refreshLayout()
    }
}
