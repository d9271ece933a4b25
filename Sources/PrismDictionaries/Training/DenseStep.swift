import PrismTensor

/// A step over all latents, as matrix products: what the first steps of a penalised dictionary take, when half of its
/// latents are active. Vectors forward and latents backward go block by block, π being computed twice, so that no
/// [batch, latents] matrix is ever in memory.
final class DenseStep: StepPath {
    private(set) var statistics = BatchStatistics()
    private let rule: any ArchitectureRule
    private let gateError: Tensor?
    /// For each worker: π, z and max(0, π) of a block, [block rows, latents] forward, [block latents, batch] backward.
    private let scratch: [[Tensor]]
    /// 0 ..< latents.
    private let everyLatent: [Int32]

    init(_ trainer: DictionaryTrainer) {
        rule = trainer.rule
        let (latents, batch) = (trainer.configuration.latents, trainer.configuration.batch)
        gateError = rule.reconstructsByGate ? Tensor(batch, trainer.wiring.outputWidth) : nil
        let size = max(DictionaryTrainer.blockRows * latents, DictionaryTrainer.blockLatents * batch)
        scratch = (0..<trainer.workers.count).map { _ in (0..<4).map { _ in Tensor(size) } }
        everyLatent = (0..<latents).map(Int32.init)
    }

    func forward(_ trainer: DictionaryTrainer, alsoSelecting extra: [LatentSelection]) {
        trainer.encode(extra)
        let (backend, latents) = (trainer.backend, trainer.configuration.latents)
        let blocks = trainer.mapBlocksOfRows { worker, range in
            func block(_ index: Int) -> Tensor {
                scratch[worker][index].rows(0..<range.count * latents).reshaped(range.count, latents)
            }
            let (pi, z, gate) = (block(0), block(1), block(2))
            backend.multiply(trainer.centred.rows(range), by: trainer.encoder.value, transposed: true, into: pi)
            var (active, smallest) = (0, Float.infinity)
            for t in 0..<range.count {
                let (row, out) = (pi[t], z[t])
                for i in 0..<latents { row[i] += trainer.encoderBias.value.data[i] }
                everyLatent.withUnsafeBufferPointer {
                    rule.activate(row, latents: $0.baseAddress!, count: latents, into: out)
                }
                for i in 0..<latents where out[i] > 0 {
                    active += 1
                    smallest = min(smallest, out[i])
                }
            }
            backend.multiply(z, by: trainer.decoder.value, transposed: false, into: trainer.errors[0].rows(range))
            if let gateError {
                for i in 0..<pi.count { gate.data[i] = max(0, pi.data[i]) }
                backend.multiply(gate, by: trainer.decoder.value, transposed: false, into: gateError.rows(range))
            }
            trainer.subtractTarget(range, from: trainer.errors + (gateError.map { [$0] } ?? []))
            return (active: active, smallest: smallest)
        }
        statistics = BatchStatistics(blocks, vectors: trainer.configuration.batch)
    }

    func backward(_ trainer: DictionaryTrainer, _ pass: BackwardPass) -> BackwardTotal {
        let (backend, batch) = (trainer.backend, trainer.configuration.batch)
        return trainer.sumBlocksOfLatents { worker, range, total in
            func block(_ index: Int) -> Tensor {
                scratch[worker][index].rows(0..<range.count * batch).reshaped(range.count, batch)
            }
            let (pi, z, pulls, gatePulls) = (block(0), block(1), block(2), block(3))
            let decoder = trainer.decoder.value.rows(range)
            backend.multiply(trainer.encoder.value.rows(range), by: trainer.centred, transposed: true, into: pi)
            backend.multiply(decoder, by: trainer.errors[0], transposed: true, into: pulls)
            if let gateError { backend.multiply(decoder, by: gateError, transposed: true, into: gatePulls) }
            var costs: [LatentCost] = []
            for (i, latent) in range.enumerated() {
                for t in 0..<batch { pi[i][t] += trainer.encoderBias.value.data[latent] }
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: batch) { number in
                    number.update(repeating: Int32(latent))
                    rule.activate(pi[i], latents: number.baseAddress!, count: batch, into: z[i])
                }
                costs.append(
                    rule.backward(
                        LatentColumn(
                            latent: latent, count: batch, preactivations: pi[i], activations: z[i], pulls: pulls[i],
                            gatePulls: gateError == nil ? nil : UnsafePointer(gatePulls[i]),
                            norm: trainer.decoderNorm(latent)),
                        pass.weights))
            }
            for (weights, vectors, gradient) in [
                (z, trainer.errors[0], trainer.decoder.gradient.rows(range)),
                (pulls, trainer.centred, trainer.encoder.gradient.rows(range)),
            ] {
                let wanted = pass.auxiliary == nil ? nil : gradient.copy()
                backend.multiply(weights, by: vectors, transposed: false, into: gradient)
                if let wanted { backend.add(wanted, to: gradient) }
            }
            for (i, latent) in range.enumerated() {
                let auxiliaryPull = pass.auxiliary?.pullSums.data[latent] ?? 0
                let pull = (0..<batch).reduce(auxiliaryPull) { $0 + pulls[i][$1] }
                trainer.age(latent, isActive: (0..<batch).contains { z[i][$0] > 0 })
                total += trainer.complete(latent, pulls: pull, costs[i], pass) {
                    (0..<batch).filter { z[i][$0] > 0 }.map(Int32.init)
                }
            }
        }
    }
}
