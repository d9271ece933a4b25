import Foundation
import PrismCore
import PrismTensor

/// Trains a TopK dictionary, one batch a step (Gao et al. 2024).
///
///     x′ = s·x − b_dec                     z = TopK(W_enc x′ + b_enc)        e = Σᵢ zᵢ W_dec[i] − x′
///     loss = Σ‖e‖² / Σ‖x′ − mean‖²  +  α Σ‖ê + e‖² / Σ‖e − mean‖²,           ê = Σ_dead zᵢ W_dec[i]
///
/// The second term (AuxK) lets dead latents reconstruct what is left; it sends no gradient into e. Gradients touch only
/// active latents, each latent's row once: ∂W_dec[i] = 2 Σₜ zₜᵢ eₜ, ∂W_enc[i] = 2 Σₜ (eₜ·W_dec[i]) x′ₜ.
/// Decoder rows have norm 1: a gradient's component along its row is removed before Adam sees it, and the row is
/// renormalised after.
public final class TopKTrainer {
    public let configuration: TrainingConfiguration
    public let width: Int
    /// Steps done.
    public internal(set) var step = 0
    /// s: what inputs are multiplied with before training.
    public internal(set) var inputScale: Float = 1

    let encoder, encoderBias, decoder, decoderBias: Parameter
    /// Vectors since each latent last fired, [latents]; exact in fp32 up to 2²⁴, where it stops counting.
    let silence: Tensor

    private let backend: any Backend
    private let workers: Workers
    private let layout: EncoderLayout
    private let centred, error: Tensor
    private let codes: SparseCodes
    private let products: Tensor
    private let byLatent: LatentIndex

    /// Rows of one block: what a thread encodes and decodes while they are in its cache.
    private let blockRows = 96
    /// Latents of one block; a multiple of every panel width.
    private let blockLatents = 64

    public init(
        _ configuration: TrainingConfiguration, width: Int, backend: any Backend = CPUBackend(),
        workers: Workers = Workers()
    ) throws {
        try configuration.validate(width: width)
        self.configuration = configuration
        self.width = width
        self.backend = backend
        self.workers = workers
        let (latents, batch, k) = (configuration.latents, configuration.batch, configuration.k)
        encoder = Parameter(latents, width)
        encoderBias = Parameter(latents)
        decoder = Parameter(latents, width)
        decoderBias = Parameter(width)
        silence = Tensor(latents)
        centred = Tensor(batch, width)
        error = Tensor(batch, width)
        codes = SparseCodes(rowCount: batch, slots: k)
        products = Tensor(batch, k)
        byLatent = LatentIndex(latents: latents, entries: batch * k)
        layout = backend.prepare(
            encoder: encoder.value, bias: encoderBias.value, k: k, precision: configuration.precision)
    }

    /// Draws the first weights: unit decoder rows in random directions, the encoder equal to them, b_dec the geometric
    /// median of the batch.
    /// - batch: vectors as the source gives them, [batch, width].
    public func initialise(from batch: Tensor) {
        var generator = SeededGenerator(seed: configuration.seed, stream: "dictionary")
        for latent in 0..<configuration.latents {
            let row = decoder.value[latent]
            for c in 0..<width { row[c] = generator.normal() }
            normalise(row)
            encoder.value[latent].update(from: row, count: width)
        }
        if configuration.normalise {
            let meanNorm = (0..<batch.rowCount).reduce(0.0) { $0 + Double(norm(batch[$1])) } / Double(batch.rowCount)
            inputScale = meanNorm > 0 ? Float(Double(width).squareRoot() / meanNorm) : 1
        }
        let scaled = batch.copy()
        for i in 0..<scaled.count { scaled.data[i] *= inputScale }
        geometricMedian(of: scaled, workers: workers, into: decoderBias.value)
        refreshLayout()
    }

    /// What one step measured on its batch, before its update.
    public struct Report: Sendable {
        /// Σ‖x − x̂‖² / Σ‖x − mean‖² over the batch.
        public var fvu = 0.0
        public var auxiliaryLoss = 0.0
        public var l0 = 0.0
        public var dead = 0
        public var gradientNorm = 0.0
        public var rate: Float = 0
    }

    /// One optimiser step. - batch: [batch, width].
    public func train(on batch: Tensor) throws -> Report {
        precondition(batch.shape == [configuration.batch, width])
        let sums = encodeAndDecode(batch)
        let diverged = PrismError.runFailed(
            "step \(step + 1): the weights are no longer finite numbers, the training diverged; lower the learning rate")
        guard sums.error.isFinite, sums.variance.isFinite else { throw diverged }
        let deadLatents = (0..<configuration.latents).filter { silence.data[$0] >= Float(configuration.deadThreshold) }
        let scale = sums.variance > 0 ? 2 / sums.variance : 0
        var report = Report(fvu: sums.variance > 0 ? sums.error / sums.variance : 0)
        byLatent.build(from: codes)
        let auxiliary = deadLatents.isEmpty || configuration.auxiliaryWeight == 0
            ? nil : Auxiliary(deadLatents, trainer: self, residualVariance: sums.residualVariance, mainScale: scale)
        report.auxiliaryLoss = auxiliary?.loss ?? 0
        let squaredNorm = gradients(auxiliary, errorSum: sums.errorColumns)
        guard squaredNorm.isFinite else { throw diverged }

        step += 1
        report.gradientNorm = scale * squaredNorm.squareRoot()
        report.l0 = Double(byLatent.entryCount) / Double(batch.rowCount)
        report.dead = deadLatents.count
        report.rate = configuration.rate(step: step)
        let clip = min(1, Double(configuration.gradientClip) / max(report.gradientNorm, 1e-30))
        update(gradientScale: Float(scale * clip), AdamStep(step: step, rate: report.rate))
        return report
    }

    // MARK: Forward

    private struct Sums {
        var error = 0.0, variance = 0.0, residualVariance = 0.0
        var errorColumns: [Double] = []
    }

    private func encodeAndDecode(_ batch: Tensor) -> Sums {
        let blocks = (batch.rowCount + blockRows - 1) / blockRows
        // Per block: Σ‖x′‖², Σ‖e‖², and the columns' sums of x′ and e; combined in block order below.
        let partial = Tensor(blocks, 2 * width)
        var squares = [(Double, Double)](repeating: (0, 0), count: blocks)
        squares.withUnsafeMutableBufferPointer { squares in
            nonisolated(unsafe) let squares = squares
            workers.forEachRange(batch.rowCount, by: blockRows) { _, range in
                let block = range.lowerBound / blockRows
                let (x, e, z) = (centred.rows(range), self.error.rows(range), codes.rows(range))
                let bias = decoderBias.value.data
                for t in 0..<range.count {
                    let (source, target) = (batch[range.lowerBound + t], x[t])
                    for c in 0..<width { target[c] = inputScale * source[c] - bias[c] }
                }
                backend.encodeTopK(x, layout, into: z)
                backend.decode(z, decoder: decoder.value, into: e)
                var (inputSquares, errorSquares) = (0.0, 0.0)
                for t in 0..<range.count {
                    let (xRow, eRow, xSum, eSum) = (x[t], e[t], partial[block], partial[block] + width)
                    for c in 0..<width {
                        eRow[c] -= xRow[c]
                        xSum[c] += xRow[c]
                        eSum[c] += eRow[c]
                    }
                    inputSquares += Double(backend.dot(xRow, xRow, count: width))
                    errorSquares += Double(backend.dot(eRow, eRow, count: width))
                }
                squares[block] = (inputSquares, errorSquares)
                backend.decoderProducts(z, error: e, decoder: decoder.value, into: products.rows(range))
            }
        }
        var columns = [Double](repeating: 0, count: 2 * width)
        for block in 0..<blocks { for c in 0..<2 * width { columns[c] += Double(partial[block][c]) } }
        let rows = Double(batch.rowCount)
        let (inputSum, errorSum) = (columns[..<width], Array(columns[width...]))
        let error = squares.reduce(0) { $0 + $1.1 }
        return Sums(
            error: error, variance: squares.reduce(0) { $0 + $1.0 } - inputSum.reduce(0) { $0 + $1 * $1 } / rows,
            residualVariance: error - errorSum.reduce(0) { $0 + $1 * $1 } / rows, errorColumns: errorSum)
    }

    // MARK: Auxiliary loss

    /// AuxK: the dead latents' best reconstruction of the residual, as codes over them and the error it leaves.
    private final class Auxiliary {
        let loss: Double
        let byLatent: LatentIndex
        /// ê + e, [batch, width].
        let error: Tensor
        let codes: SparseCodes
        let products: Tensor

        init(_ dead: [Int], trainer: TopKTrainer, residualVariance: Double, mainScale: Double) {
            let (configuration, width) = (trainer.configuration, trainer.width)
            let (backend, workers) = (trainer.backend, trainer.workers)
            let k = min(configuration.auxiliaryK ?? max(1, width / 2), dead.count)
            let (weight, bias) = (Tensor(dead.count, width), Tensor(dead.count))
            for (i, latent) in dead.enumerated() {
                weight[i].update(from: trainer.encoder.value[latent], count: width)
                bias.data[i] = trainer.encoderBias.value.data[latent]
            }
            let layout = backend.prepare(encoder: weight, bias: bias, k: k, precision: configuration.precision)
            let batch = configuration.batch
            let (codes, error) = (SparseCodes(rowCount: batch, slots: k), Tensor(batch, width))
            let products = Tensor(batch, k)
            let number = dead.map(Int32.init)
            // The gradients carry the main loss's factor; this one's relative weight goes into codes and products.
            let weightOfLoss = residualVariance > 0 ? Double(configuration.auxiliaryWeight) / residualVariance : 0
            let ratio = mainScale > 0 ? Float(2 * weightOfLoss / mainScale) : 0
            let blockRows = trainer.blockRows
            var squares = [Double](repeating: 0, count: (batch + blockRows - 1) / blockRows)
            squares.withUnsafeMutableBufferPointer { squares in
                nonisolated(unsafe) let squares = squares
                workers.forEachRange(batch, by: blockRows) { _, range in
                    let (z, e) = (codes.rows(range), error.rows(range))
                    backend.encodeTopK(trainer.centred.rows(range), layout, into: z)
                    for i in 0..<range.count * k where i % k < Int(z.counts[i / k]) { z.indices[i] = number[Int(z.indices[i])] }
                    backend.decode(z, decoder: trainer.decoder.value, into: e)
                    backend.add(trainer.error.rows(range), to: e)
                    backend.decoderProducts(z, error: e, decoder: trainer.decoder.value, into: products.rows(range))
                    var sum = 0.0
                    for t in 0..<range.count { sum += Double(backend.dot(e[t], e[t], count: width)) }
                    squares[range.lowerBound / blockRows] = sum
                    for i in 0..<range.count * k {
                        z.values[i] *= ratio
                        products.rows(range).data[i] *= ratio
                    }
                }
            }
            loss = weightOfLoss * squares.reduce(0, +)
            self.error = error
            self.codes = codes
            self.products = products
            byLatent = LatentIndex(latents: configuration.latents, entries: batch * k)
            byLatent.build(from: codes)
        }
    }

    // MARK: Gradients

    /// Fills the parameters' gradients, short of the common factor 2 / variance; returns their squared norm.
    private func gradients(_ auxiliary: Auxiliary?, errorSum: [Double]) -> Double {
        let latents = configuration.latents
        let blocks = (latents + blockLatents - 1) / blockLatents
        var squares = [Double](repeating: 0, count: blocks)
        let encoderPull = Tensor(blocks, width)
        squares.withUnsafeMutableBufferPointer { squares in
            nonisolated(unsafe) let squares = squares
            workers.forEachRange(latents, by: blockLatents) { _, range in
                var square = 0.0
                for latent in range {
                    let (d, e) = (decoder.gradient[latent], encoder.gradient[latent])
                    let bias = encoderBias.gradient.data + latent
                    bias.pointee = 0
                    add(byLatent, latent, codes, products, error, start: nil)
                    if let auxiliary {
                        add(auxiliary.byLatent, latent, auxiliary.codes, auxiliary.products, auxiliary.error,
                            start: (UnsafePointer(d), UnsafePointer(e)))
                    }
                    if byLatent.isSilent(latent) && auxiliary?.byLatent.isSilent(latent) != false { continue }
                    let row = decoder.value[latent]
                    let along = backend.dot(d, row, count: width)
                    for c in 0..<width { d[c] -= along * row[c] }
                    square += Double(backend.dot(d, d, count: width)) + Double(backend.dot(e, e, count: width))
                    square += Double(bias.pointee) * Double(bias.pointee)
                }
                squares[range.lowerBound / blockLatents] = square
                // Pre-activations read x − b_dec, so b_dec also feels every encoder row.
                let numbers = range.map(Int32.init)
                numbers.withUnsafeBufferPointer {
                    backend.sumRows(
                        of: encoder.value, rows: $0, weights: encoderBias.gradient.data + range.lowerBound, start: nil,
                        into: encoderPull[range.lowerBound / blockLatents])
                }
            }
        }
        for c in 0..<width {
            let pull = (0..<blocks).reduce(0.0) { $0 + Double(encoderPull[$1][c]) }
            decoderBias.gradient.data[c] = Float(errorSum[c] - pull)
        }
        return squares.reduce(Double(norm(decoderBias.gradient.data)) * Double(norm(decoderBias.gradient.data)), +)
    }

    /// Sets (or with `start` raises) one latent's gradients by what its active vectors say.
    private func add(
        _ index: LatentIndex, _ latent: Int, _ codes: SparseCodes, _ products: Tensor, _ error: Tensor,
        start: (UnsafePointer<Float>, UnsafePointer<Float>)?
    ) {
        let entries = index.entries(of: latent)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * entries.rows.count + 1) { weights in
            let activations = weights.baseAddress!
            let pulls = activations + entries.rows.count
            var biasPull: Float = 0
            for (i, slot) in entries.slots.enumerated() {
                activations[i] = codes.values[Int(slot)]
                pulls[i] = products.data[Int(slot)]
                biasPull += pulls[i]
            }
            backend.sumRows(of: error, rows: entries.rows, weights: activations, start: start?.0, into: decoder.gradient[latent])
            backend.sumRows(of: centred, rows: entries.rows, weights: pulls, start: start?.1, into: encoder.gradient[latent])
            encoderBias.gradient.data[latent] += biasPull
        }
    }

    // MARK: Update

    private func update(gradientScale: Float, _ adam: AdamStep) {
        workers.forEachRange(configuration.latents, by: blockLatents) { _, range in
            for parameter in [encoder, encoderBias, decoder] {
                parameter.step(range, gradientScale: gradientScale, adam, backend)
            }
            for latent in range {
                normalise(decoder.value[latent])
                silence.data[latent] = byLatent.isSilent(latent)
                    ? min(silence.data[latent] + Float(configuration.batch), 0x1p24) : 0
            }
            backend.refresh(layout, latents: range)
        }
        decoderBias.step(0..<width, gradientScale: gradientScale, adam, backend)
    }

    /// Takes over weights that were written from outside, by `initialise` or a checkpoint.
    func refreshLayout() { backend.refresh(layout, latents: 0..<configuration.latents) }

    private func norm(_ row: UnsafePointer<Float>) -> Float { backend.dot(row, row, count: width).squareRoot() }

    private func normalise(_ row: UnsafeMutablePointer<Float>) {
        let inverse = 1 / max(norm(row), 1e-8)
        for c in 0..<width { row[c] *= inverse }
    }

    // MARK: Result

    /// The dictionary as it stands, for activations as the source gives them: with input scale s,
    /// W_enc·s, W_dec/s, b_dec/s, and pre-activations, b_enc and k unchanged.
    public func dictionary() -> SparseAutoencoder {
        func scaled(_ tensor: Tensor, _ factor: Float) -> Tensor {
            let result = tensor.copy()
            for i in 0..<result.count { result.data[i] *= factor }
            return result
        }
        return SparseAutoencoder(
            encoder: scaled(encoder.value, inputScale), encoderBias: encoderBias.value.copy(),
            decoder: scaled(decoder.value, 1 / inputScale), decoderBias: scaled(decoderBias.value, 1 / inputScale),
            k: configuration.k, backend: backend)
    }
}
