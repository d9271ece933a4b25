import PrismTensor

/// One way to compute a step's sums: over the few active latents (`SparseStep`), or over all (`DenseStep`) while most are
/// active. Both give the same numbers but for rounding.
protocol StepPath: AnyObject {
    /// From `centred` and `target`: activations, and e of each group into `errors`; and what AuxK wants to know of the same
    /// pre-activations.
    func forward(_ trainer: DictionaryTrainer, alsoSelecting extra: [LatentSelection])
    /// What the forward pass saw.
    var statistics: BatchStatistics { get }
    /// From `errors`: all latents' gradients, added to AuxK's where that is at work.
    func backward(_ trainer: DictionaryTrainer, _ pass: BackwardPass) -> BackwardTotal
}

/// What a backward pass needs beside the trainer's own state.
struct BackwardPass {
    let weights: StepWeights
    /// AuxK's reconstruction, where it is at work.
    let auxiliary: AuxiliaryReconstruction?
    /// The dead latents that the pre-activation loss pulls at, and Σ x′ over the batch, [input width].
    let pulledUp: Set<Int>
    let inputColumns: [Double]
}

/// Sums over latents.
struct BackwardTotal {
    /// Squared norm of their gradients.
    var squares = 0.0
    var penalty = 0.0
    var nextPenalty = 0.0

    static func += (total: inout BackwardTotal, part: BackwardTotal) {
        total.squares += part.squares
        total.penalty += part.penalty
        total.nextPenalty += part.nextPenalty
    }
}

extension DictionaryTrainer {
    // MARK: Blocks

    /// The whole batch's codes.
    func encode(_ selections: [LatentSelection]) {
        if selections.isEmpty { return }
        workers.forEachRange(configuration.batch, by: Self.blockRows) { _, range in
            backend.encode(centred.rows(range), layout, selections.map { $0.rows(range) })
        }
    }

    func mapBlocksOfRows<Result>(_ body: (_ worker: Int, _ range: Range<Int>) -> Result) -> [Result] {
        workers.map(configuration.batch, by: Self.blockRows, body)
    }

    /// Sums what blocks of latents give, in their order.
    func sumBlocksOfLatents(
        _ body: (_ worker: Int, _ range: Range<Int>, _ total: inout BackwardTotal) -> Void
    ) -> BackwardTotal {
        workers.map(configuration.latents, by: Self.blockLatents) { worker, range in
            var total = BackwardTotal()
            body(worker, range, &total)
            return total
        }.reduce(into: BackwardTotal()) { $0 += $1 }
    }

    /// Turns Σ z d into e = ŷ − y: adds the linear part, subtracts the target.
    func subtractTarget(_ range: Range<Int>, from reconstructions: [Tensor]) {
        let difference = target.rows(range)
        var linear: Tensor?
        if let skip {
            linear = Tensor(range.count, wiring.outputWidth)
            backend.multiply(centred.rows(range), by: skip.value, transposed: true, into: linear!)
        }
        for reconstruction in reconstructions {
            let e = reconstruction.rows(range)
            for i in 0..<e.count { e.data[i] -= difference.data[i] }
            if let linear { backend.add(linear, to: e) }
        }
    }

    /// Counts how long a latent has been silent.
    func age(_ latent: Int, isActive: Bool) {
        silence.data[latent] = isActive ? 0 : min(silence.data[latent] + Float(configuration.batch), 0x1p24)
    }

    // MARK: One latent

    /// Sets, or raises, the gradients of a latent's rows by Σₜ zₜ eₜ and Σₜ pₜ x′ₜ.
    func addColumn(
        _ latent: Int, rows: UnsafeBufferPointer<Int32>, activations: UnsafePointer<Float>, pulls: UnsafePointer<Float>,
        error: Tensor, isFirst: Bool
    ) {
        let (d, e) = (decoder.gradient[latent], encoder.gradient[latent])
        backend.sumRows(of: error, rows: rows, weights: activations, start: isFirst ? nil : UnsafePointer(d), into: d)
        backend.sumRows(of: centred, rows: rows, weights: pulls, start: isFirst ? nil : UnsafePointer(e), into: e)
    }

    /// Completes a latent's gradients when its column's sums are in them.
    /// - pulls: their sum over the batch.
    /// - activeRows: the vectors on which it is active; asked for only if the pre-activation loss pulls at it.
    func complete(
        _ latent: Int, pulls: Float, _ cost: LatentCost, _ pass: BackwardPass, activeRows: () -> [Int32]
    ) -> BackwardTotal {
        let (d, e) = (decoder.gradient[latent], encoder.gradient[latent])
        let (width, outputWidth) = (wiring.inputWidth, wiring.outputWidth)
        encoderBias.gradient.data[latent] = cost.biasPull ?? pulls
        pullSums.data[latent] = pulls
        let row = decoder.value[latent]
        if cost.normPull != 0 {
            for range in wiring.outputRanges {
                let part = row + range.lowerBound
                let factor = cost.normPull / max(norm(part, range.count), 1e-8)
                for c in range { d[c] += factor * row[c] }
            }
        }
        if pass.pulledUp.contains(latent) { pullUp(latent, pass, activeRows()) }
        if configuration.keepsUnitNorm {
            let along = backend.dot(d, row, count: outputWidth)
            for c in 0..<outputWidth { d[c] -= along * row[c] }
        }
        var square = Double(backend.dot(d, d, count: outputWidth)) + Double(backend.dot(e, e, count: width))
        for parameter in [encoderBias] + rule.parameters.map(\.parameter) {
            square += Double(parameter.gradient.data[latent]) * Double(parameter.gradient.data[latent])
        }
        return BackwardTotal(squares: square, penalty: cost.penalty, nextPenalty: cost.nextPenalty)
    }

    /// ‖dᵢ‖, or the sum of its norms at each hook point.
    func decoderNorm(_ latent: Int) -> Float {
        configuration.keepsUnitNorm && wiring.outputRanges.count == 1
            ? 1 : wiring.outputRanges.reduce(0) { $0 + norm(decoder.value[latent] + $1.lowerBound, $1.count) }
    }

    /// The pre-activation loss of one dead latent: c · mean over the vectors on which it is silent of (θ − π) ‖dᵢ‖, θ and ‖dᵢ‖
    /// taken as they are. It is linear in x′, so sums over the batch serve.
    private func pullUp(_ latent: Int, _ pass: BackwardPass, _ activeRows: [Int32]) {
        let width = wiring.inputWidth
        let pull = configuration.wakeWeight * pass.weights.perVector * decoderNorm(latent)
        let gradient = encoder.gradient[latent]
        for c in 0..<width { gradient[c] -= pull * Float(pass.inputColumns[c]) }
        let weights = [Float](repeating: pull, count: activeRows.count)
        activeRows.withUnsafeBufferPointer { rows in
            weights.withUnsafeBufferPointer {
                if let first = $0.baseAddress {
                    backend.sumRows(of: centred, rows: rows, weights: first, start: gradient, into: gradient)
                }
            }
        }
        let silent = pull * Float(configuration.batch - activeRows.count)
        encoderBias.gradient.data[latent] -= silent
        pullSums.data[latent] -= silent
    }
}

extension DictionaryTrainer {
    // MARK: Gradients that belong to no latent

    /// b_dec feels e, and for an autoencoder every encoder row, because pre-activations read x′ = s·x − b_dec.
    /// W_skip feels Σₜ eₜ x′ₜᵀ. - Returns: their squared norm.
    func gradientsOfOutput(_ errorColumns: [Double]) -> Double {
        let (outputWidth, batch) = (wiring.outputWidth, configuration.batch)
        var pull = [Double](repeating: 0, count: outputWidth)
        if wiring.isAutoencoder {
            let blocks = workers.map(configuration.latents, by: 1024) { _, range in
                let sum = Tensor(outputWidth)
                range.map(Int32.init).withUnsafeBufferPointer {
                    backend.sumRows(
                        of: encoder.value, rows: $0, weights: pullSums.data + range.lowerBound, start: nil,
                        into: sum.data)
                }
                return sum
            }
            for block in blocks { for c in 0..<outputWidth { pull[c] += Double(block.data[c]) } }
        }
        for c in 0..<outputWidth { decoderBias.gradient.data[c] = Float(errorColumns[c] - pull[c]) }
        let bias = decoderBias.gradient.data
        var square = Double(backend.dot(bias, bias, count: outputWidth))
        if let skip {
            square += workers.map(outputWidth, by: Self.blockLatents) { _, range in
                let columns = Tensor(range.count, batch)
                for t in 0..<batch { for c in range { columns[c - range.lowerBound][t] = errors[0][t][c] } }
                let gradient = skip.gradient.rows(range)
                backend.multiply(columns, by: centred, transposed: false, into: gradient)
                return Double(backend.dot(gradient.data, gradient.data, count: gradient.count))
            }.reduce(0, +)
        }
        return square
    }
}
