import Foundation
import PrismTensor

/// A step over selected latents only: their number, not the dictionary's size, decides what it costs beside the encoder's
/// screened products.
final class SparseStep: StepPath {
    /// The selected latents with their π, [batch].
    private(set) var codes: SparseCodes
    /// z of the same entries; the same memory where the rule leaves π as it is.
    private var activations: UnsafeMutablePointer<Float>
    private var reshaped: Tensor?
    /// Σ max(0, π) d − target, [batch, output width].
    private let gateError: Tensor?
    private var byLatent: LatentIndex
    private(set) var statistics = BatchStatistics()
    private let rule: any ArchitectureRule
    private let batch, latents: Int
    private let groupEnds: [Int]

    init(_ rule: any ArchitectureRule, batch: Int, latents: Int, outputWidth: Int, slots: Int) {
        (self.rule, self.batch, self.latents) = (rule, batch, latents)
        groupEnds = rule.groupEnds.isEmpty ? [latents] : rule.groupEnds
        gateError = rule.reconstructsByGate ? Tensor(batch, outputWidth) : nil
        codes = SparseCodes(rowCount: batch, slots: slots)
        activations = codes.values
        byLatent = LatentIndex(latents: latents, entries: batch * slots)
        if rule.reshapes { allocate(slots: slots) }
    }

    private func allocate(slots: Int) {
        codes = SparseCodes(rowCount: batch, slots: slots)
        reshaped = rule.reshapes ? Tensor(batch, slots) : nil
        activations = reshaped?.data ?? codes.values
        byLatent = LatentIndex(latents: latents, entries: batch * slots)
    }

    // MARK: Forward

    func forward(_ trainer: DictionaryTrainer, alsoSelecting extra: [LatentSelection]) {
        switch rule.selection(step: trainer.step + 1) {
        case .top(let k):
            codes = codes.with(slots: k)
            trainer.encode([.largest(into: codes)] + extra)
        case .batchTop(let k):
            var threshold = trainer.pace.data[1] > 0 ? 0.9 * trainer.pace.data[1] : firstThreshold(trainer, k)
            while true {
                trainer.thresholds.fill(threshold)
                encodeAbove(trainer, extra)
                if threshold == 0 || codes.entryCount >= k * batch { break }
                threshold = threshold < 1e-6 ? 0 : threshold / 2
            }
            codes.keepLargest(k * batch)
        case .pursuit(let k):
            codes = codes.with(slots: k)
            trainer.workers.forEachRange(batch, by: DictionaryTrainer.blockRows) { _, range in
                trainer.backend.pursue(
                    trainer.centred.rows(range), trainer.layout, decoder: trainer.decoder.value, into: codes.rows(range)
                )
            }
            trainer.encode(extra)
        case .above:
            rule.fill(thresholds: trainer.thresholds)
            encodeAbove(trainer, extra)
        }
        trainer.profile?.end("encoding")
        decode(trainer)
        trainer.profile?.end("decoding")
        byLatent.build(from: codes)
        trainer.profile?.end("grouping by latent")
    }

    /// Encodes with as many slots as the fullest vector needs.
    private func encodeAbove(_ trainer: DictionaryTrainer, _ extra: [LatentSelection]) {
        while true {
            trainer.encode([.all(above: trainer.thresholds, into: codes)] + extra)
            if codes.fullestRow <= codes.slots { return }
            allocate(slots: min(latents, 2 * codes.slots))
        }
    }

    /// A threshold that in all likelihood lets k · batch activations pass: somewhat below the mean k-th largest of a vector.
    private func firstThreshold(_ trainer: DictionaryTrainer, _ k: Int) -> Float {
        let sample = SparseCodes(rowCount: min(batch, DictionaryTrainer.blockRows), slots: k)
        trainer.backend.encode(
            trainer.centred.rows(0..<sample.rowCount), trainer.layout, [.largest(into: sample)])
        let smallest = (0..<sample.rowCount).map { row in sample[row].map(\.value).min() ?? 0 }
        return 0.8 * smallest.reduce(0, +) / Float(smallest.count)
    }

    private func decode(_ trainer: DictionaryTrainer) {
        let (backend, decoder) = (trainer.backend, trainer.decoder.value)
        let blocks = trainer.mapBlocksOfRows { _, range in
            var (active, smallest) = (0, Float.infinity)
            withUnsafeTemporaryAllocation(of: Float.self, capacity: codes.slots) { gate in
                for t in range {
                    let (first, count) = (t * codes.slots, Int(codes.counts[t]))
                    let (indices, pi, z) = (codes.indices + first, codes.values + first, activations + first)
                    if rule.reshapes { rule.activate(pi, latents: indices, count: count, into: z) }
                    for i in 0..<count where z[i] > 0 {
                        active += 1
                        smallest = min(smallest, z[i])
                    }
                    var done = 0
                    for (group, end) in groupEnds.enumerated() {
                        var next = done
                        while next < count && Int(indices[next]) < end { next += 1 }
                        backend.sumRows(
                            of: decoder, rows: UnsafeBufferPointer(start: indices + done, count: next - done),
                            weights: z + done, start: group == 0 ? nil : UnsafePointer(trainer.errors[group - 1][t]),
                            into: trainer.errors[group][t])
                        done = next
                    }
                    if let gateError {
                        for i in 0..<count { gate[i] = max(0, pi[i]) }
                        backend.sumRows(
                            of: decoder, rows: UnsafeBufferPointer(start: indices, count: count),
                            weights: gate.baseAddress!, start: nil, into: gateError[t])
                    }
                }
                trainer.subtractTarget(range, from: trainer.errors + (gateError.map { [$0] } ?? []))
            }
            return (active: active, smallest: smallest)
        }
        statistics = BatchStatistics(blocks, vectors: batch)
    }

    // MARK: Backward

    func backward(_ trainer: DictionaryTrainer, _ pass: BackwardPass) -> BackwardTotal {
        trainer.sumBlocksOfLatents { _, range, total in
            let longest = range.reduce(0) { max($0, byLatent.entries(of: $1).rows.count) }
            withUnsafeTemporaryAllocation(of: Float.self, capacity: 4 * longest + 4) { scratch in
                let pi = scratch.baseAddress!, z = pi + longest, pulls = z + longest, gatePulls = pulls + longest
                for latent in range {
                    let error = trainer.errors[groupEnds.firstIndex { latent < $0 }!]
                    let entries = byLatent.entries(of: latent)
                    let (count, row) = (entries.rows.count, trainer.decoder.value[latent])
                    for i in 0..<count {
                        let (slot, t) = (Int(entries.slots[i]), Int(entries.rows[i]))
                        (pi[i], z[i]) = (codes.values[slot], activations[slot])
                        pulls[i] = trainer.backend.dot(error[t], row, count: error.rowWidth)
                        if let gateError {
                            gatePulls[i] = trainer.backend.dot(gateError[t], row, count: error.rowWidth)
                        }
                    }
                    let cost = rule.backward(
                        LatentColumn(
                            latent: latent, count: count, preactivations: pi, activations: z, pulls: pulls,
                            gatePulls: gateError == nil ? nil : UnsafePointer(gatePulls),
                            norm: count == 0 ? 1 : trainer.decoderNorm(latent)),
                        pass.weights)
                    trainer.addColumn(
                        latent, rows: entries.rows, activations: z, pulls: pulls, error: error,
                        isFirst: pass.auxiliary == nil)
                    let auxiliaryPull = pass.auxiliary?.pullSums.data[latent] ?? 0
                    let pull = (0..<count).reduce(auxiliaryPull) { $0 + pulls[$1] }
                    let isActive = (0..<count).contains { z[$0] > 0 }
                    trainer.age(latent, isActive: isActive)
                    total += trainer.complete(latent, pulls: pull, cost, pass) {
                        (0..<count).filter { z[$0] > 0 }.map { entries.rows[$0] }
                    }
                }
            }
        }
    }
}
