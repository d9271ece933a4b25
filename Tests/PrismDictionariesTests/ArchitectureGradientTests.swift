import Foundation
import PrismCore
import PrismDictionaries
import PrismTensor
import Testing

/// The trainer's hand-written gradients against central differences of each architecture's loss, written anew in double
/// precision by `Twin`; what is selected is held fixed.
@Suite struct ArchitectureGradientTests {
    struct Case: Sendable, CustomStringConvertible {
        let description: String
        var wiring = Wiring(width: 5)
        let set: @Sendable (inout TrainingConfiguration) -> Void
    }

    static let cases = [
        Case(description: "TopK") { $0.architecture = .topK },
        Case(description: "TopK, k-anneal") { ($0.architecture, $0.kStart, $0.kAnneal) = (.topK, 5, 6) },
        Case(description: "TopK transcoder with skip", wiring: Wiring(input: [5], output: [4])) {
            ($0.architecture, $0.skip) = (.topK, true)
        },
        Case(description: "BatchTopK") { $0.architecture = .batchTopK },
        Case(description: "Matryoshka") { ($0.architecture, $0.groups) = (.matryoshka, [3, 10, 24]) },
        Case(description: "L1, free decoder") { ($0.architecture, $0.sparsity) = (.standard, 0.7) },
        Case(description: "L1, unit decoder") {
            ($0.architecture, $0.sparsity, $0.unitNormDecoder) = (.standard, 0.7, true)
        },
        Case(description: "L1 with AuxK") { ($0.architecture, $0.sparsity, $0.deadLatents) = (.standard, 2, .auxK) },
        Case(description: "L1 crosscoder", wiring: Wiring(input: [2, 3])) {
            ($0.architecture, $0.sparsity) = (.standard, 0.7)
        },
        Case(description: "matching pursuit") { $0.architecture = .matchingPursuit },
        Case(description: "p-anneal") { ($0.architecture, $0.sparsity) = (.pAnneal, 0.7) },
        Case(description: "gated") { ($0.architecture, $0.sparsity) = (.gated, 0.4) },
        Case(description: "JumpReLU") {
            ($0.architecture, $0.sparsity, $0.threshold, $0.bandwidth) = (.jumpReLU, 0.1, 0.4, 0.6)
        },
        Case(description: "JumpReLU with a target") {
            ($0.architecture, $0.sparsity, $0.threshold, $0.bandwidth, $0.targetL0) = (.jumpReLU, 2, 0.4, 0.6, 3)
        },
        Case(description: "JumpReLU, tanh, pre-activation loss") {
            ($0.architecture, $0.sparsity, $0.threshold, $0.bandwidth, $0.penalty) = (.jumpReLU, 0.5, 0.4, 0.6, .tanh)
        },
    ]

    @Test(arguments: cases, [true, false]) func gradientsAreThoseOfTheLoss(_ example: Case, dense: Bool) throws {
        let backends: [any Backend] = [ReferenceBackend(), CPUBackend()]
        for backend in backends { try check(example, dense: dense, backend) }
    }

    private func check(_ example: Case, dense: Bool, _ backend: any Backend) throws {
        var configuration = TrainingConfiguration()
        (configuration.latents, configuration.k, configuration.batch, configuration.steps) = (24, 2, 9, 12)
        (configuration.auxiliaryK, configuration.auxiliaryWeight, configuration.deadAfter) = (2, 0.7, 1)
        (configuration.learningRate, configuration.warmup, configuration.precision) = (0.02, 0, .fp32)
        (configuration.sparsityWarmup, configuration.gradientClip) = (3, 1000)
        example.set(&configuration)
        if dense && configuration.selectsByCount { return }
        let trainer = try DictionaryTrainer(configuration, example.wiring, backend: backend, workers: Workers(count: 1))
        var generator = SeededGenerator(seed: 3, stream: "test")
        func batch(_ width: Int) -> Tensor {
            let batch = Tensor(9, width)
            for i in 0..<batch.count { batch.data[i] = 4 * generator.normal() + 2 }
            return batch
        }
        func vectors() -> (Tensor, Tensor?) {
            (batch(example.wiring.inputWidth), example.wiring.output.map { _ in batch(example.wiring.outputWidth) })
        }
        let first = vectors()
        trainer.initialise(from: first.0, output: first.1)
        if !example.wiring.isAutoencoder {
            // A transcoder's decoder may start at zero, where nothing could be seen.
            for i in 0..<trainer.decoder.value.count { trainer.decoder.value.data[i] = 0.5 * generator.normal() }
        }
        // Steps by which weights leave the symmetric start (unit rows, encoder = decoder, no biases).
        for step in 0..<10 {
            let (x, y) = vectors()
            trainer.pace.data[0] = dense ? 24 : 0
            let twin = Twin(trainer, x, y)
            let report = try trainer.train(on: x, output: y)
            guard step > 0 else { continue }
            #expect(abs(report.fvu - twin.fvu) < 1e-5 * max(1, twin.fvu), "step \(step)")
            #expect(abs(report.sparsityLoss - twin.sparsityLoss()) < 1e-5 * max(1, twin.sparsityLoss()), "step \(step)")
            #expect(abs(report.l0 - twin.l0) < 1e-9)
            if configuration.wakes == .auxK {
                #expect(abs(report.auxiliaryLoss - twin.auxiliaryLoss(twin.weights)) < 1e-5)
            }

            let parameters = trainer.parameters
            let analytic = parameters.map { $0.parameter.gradient.values.map { Double($0) * twin.unit } }
            var numeric = twin.gradients()
            let width = example.wiring.outputWidth
            if configuration.keepsUnitNorm {
                for row in stride(from: 0, to: 24 * width, by: width) {
                    let along = (row..<row + width).reduce(0.0) { $0 + numeric[2][$1] * twin.weights[2][$1] }
                    for i in row..<row + width { numeric[2][i] -= along * twin.weights[2][i] }
                }
            }
            for (place, (found, expected)) in zip(analytic, numeric).enumerated() {
                let largest = expected.map(abs).max()!
                // fp32's rounding of sums of tens of terms; central differences are better than 10⁻⁷ here.
                let worst = zip(found, expected).map { abs($0 - $1) }.max()!
                #expect(
                    worst < 3e-5 * max(1, largest),
                    "\(parameters[place].name), step \(step), \(dense): \(worst) of \(largest)")
            }
            let norm = analytic.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(abs(report.gradientNorm - norm) < 1e-5 * norm)
        }
    }
}

/// The naive twin: each loss at fixed selections, with no line shared with the trainer.
private struct Twin {
    /// W_enc, b_enc, W_dec, b_dec, then W_skip or the architecture's own; row-major.
    let weights: [[Double]]
    let configuration: TrainingConfiguration
    let wiring: Wiring
    let x, y: [[Double]]
    /// Of each vector: latents with z ≠ 0, latents whose gate is open, dead latents that reconstruct the residual.
    private(set) var active: [[Int]] = []
    private(set) var open: [[Int]] = []
    private(set) var auxiliary: [[Int]] = []
    let dead: [Int]
    private var pursued: [[Double]] = []
    private var residual: [[Double]] = []
    let variance: Double
    private(set) var residualVariance = 0.0
    let lambda: Double
    let exponent: Double
    let coefficient: Double

    /// 2 / variance or 2 / batch.
    var unit: Double { configuration.selectsByCount ? 2 / variance : 2 / Double(x.count) }

    init(_ trainer: DictionaryTrainer, _ input: Tensor, _ output: Tensor?) {
        configuration = trainer.configuration
        wiring = trainer.wiring
        weights = trainer.parameters.map { $0.parameter.value.values.map(Double.init) }
        func scaled(_ tensor: Tensor, _ scale: Tensor) -> [[Double]] {
            (0..<tensor.rowCount).map { t in
                (0..<tensor.rowWidth).map { Double(scale.data[$0]) * Double(tensor[t][$0]) }
            }
        }
        x = scaled(input, trainer.inputScale)
        y = output.map { scaled($0, trainer.outputScale) } ?? x
        dead = (0..<24).filter { trainer.silence.data[$0] >= 1 }
        variance = Self.variance(y)
        lambda = Double(configuration.sparsity(step: trainer.step + 1))
        // p falls by a tenth of the way at each of ten drops over the steps 7 … 12.
        let drop = trainer.step + 1 > 6 ? min(10, 1 + (trainer.step + 1 - 7) * 10 / 6) : 0
        exponent = 1 - 0.8 * Double(drop) / 10
        coefficient = configuration.architecture == .pAnneal ? Double(trainer.ruleMemory.data[0]) : 1

        let pi = x.map { row in (0..<24).map { preactivation($0, row, weights) } }
        func largest(_ count: Int, of latents: [Int], _ values: [Double]) -> [Int] {
            latents.filter { values[$0] > 0 }.sorted { values[$0] > values[$1] }.prefix(count).sorted()
        }
        switch configuration.architecture {
        case .topK: active = pi.map { largest(configuration.k(step: trainer.step + 1), of: Array(0..<24), $0) }
        case .batchTopK, .matryoshka:
            let sorted = pi.joined().filter { $0 > 0 }.sorted(by: >)
            let last = sorted[min(sorted.count, 2 * x.count) - 1]
            active = pi.map { row in (0..<24).filter { row[$0] >= last } }
        case .standard, .pAnneal: active = pi.map { row in (0..<24).filter { row[$0] > 0 } }
        case .gated:
            open = pi.map { row in (0..<24).filter { row[$0] > 0 } }
            active = zip(pi, open).map { row, open in open.filter { magnitude($0, row[$0], weights) > 0 } }
        case .matchingPursuit:
            pursued = x.map { row in pursuit(row) }
            active = pursued.map { row in (0..<24).filter { row[$0] != 0 } }
        case .jumpReLU: active = pi.map { row in (0..<24).filter { row[$0] > exp(weights[4][$0]) } }
        }
        residual = zip(zip(x, y), active).map { error($0.0, $0.1, $1, weights) }
        residualVariance = Self.variance(residual)
        auxiliary = pi.map { largest(2, of: dead, $0) }
    }

    var l0: Double { Double(active.reduce(0) { $0 + $1.count }) / Double(x.count) }
    var fvu: Double { residual.reduce(0.0) { $0 + $1.reduce(0) { $0 + $1 * $1 } } / variance }

    func preactivation(_ latent: Int, _ x: [Double], _ weights: [[Double]]) -> Double {
        x.indices.reduce(weights[1][latent]) {
            $0 + weights[0][latent * x.count + $1] * (x[$1] - (wiring.isAutoencoder ? weights[3][$1] : 0))
        }
    }

    func magnitude(_ latent: Int, _ pi: Double, _ weights: [[Double]]) -> Double {
        exp(weights[4][latent]) * (pi - weights[1][latent]) + weights[5][latent]
    }

    /// z of a vector by two rounds of matching pursuit; a constant of the loss.
    private func pursuit(_ x: [Double]) -> [Double] {
        var (z, rest) = ([Double](repeating: 0, count: 24), x.indices.map { x[$0] - weights[3][$0] })
        for _ in 0..<2 {
            let gains = (0..<24).map { i in x.indices.reduce(0.0) { $0 + weights[2][i * x.count + $1] * rest[$1] } }
            let best = gains.indices.max { gains[$0] < gains[$1] }!
            guard gains[best] > 0 else { break }
            z[best] += gains[best]
            for c in x.indices { rest[c] -= gains[best] * weights[2][best * x.count + c] }
        }
        return z
    }

    func z(_ latent: Int, _ x: [Double], _ weights: [[Double]]) -> Double {
        if configuration.architecture == .matchingPursuit { return pursued[self.x.firstIndex(of: x)!][latent] }
        let pi = preactivation(latent, x, weights)
        return configuration.architecture == .gated ? magnitude(latent, pi, weights) : pi
    }

    func decoded(_ values: [(Int, Double)], _ decoder: [Double], _ width: Int) -> [Double] {
        (0..<width).map { c in values.reduce(0.0) { $0 + $1.1 * decoder[$1.0 * width + c] } }
    }

    /// ŷ − y
    func error(_ x: [Double], _ y: [Double], _ active: [Int], _ weights: [[Double]]) -> [Double] {
        let sum = decoded(active.map { ($0, z($0, x, weights)) }, weights[2], y.count)
        return y.indices.map { c in
            let linear = configuration.skip ? x.indices.reduce(0.0) { $0 + weights[4][c * x.count + $1] * x[$1] } : 0
            return sum[c] + weights[3][c] + linear - y[c]
        }
    }

    /// Σ over hook points of the decoder row's norm there.
    func norm(_ latent: Int, _ weights: [[Double]]) -> Double {
        var first = latent * wiring.outputWidth
        return (wiring.output ?? wiring.input).reduce(0.0) { total, width in
            defer { first += width }
            return total + (first..<first + width).reduce(0.0) { $0 + weights[2][$1] * weights[2][$1] }.squareRoot()
        }
    }

    static func variance(_ rows: [[Double]]) -> Double {
        rows[0].indices.reduce(0.0) { total, c in
            let mean = rows.reduce(0.0) { $0 + $1[c] } / Double(rows.count)
            return total + rows.reduce(0.0) { $0 + ($1[c] - mean) * ($1[c] - mean) }
        }
    }

    func mainLoss(_ weights: [[Double]]) -> Double {
        let groups = configuration.architecture == .matryoshka ? configuration.prefixes : [24]
        return unit / 2
            * groups.reduce(0.0) { total, end in
                total
                    + x.indices.reduce(0.0) { sum, t in
                        sum + error(x[t], y[t], active[t].filter { $0 < end }, weights).reduce(0.0) { $0 + $1 * $1 }
                    }
            }
    }

    /// The penalty as far as it has a derivative; thresholds are held fixed.
    func penalty(_ weights: [[Double]]) -> Double {
        var total = 0.0
        for t in x.indices {
            for latent in configuration.architecture == .gated ? open[t] : active[t] {
                let n = norm(latent, weights)
                switch configuration.architecture {
                case .standard: total += n * z(latent, x[t], weights)
                case .pAnneal: total += coefficient * n * pow(z(latent, x[t], weights), exponent)
                case .gated: total += n * preactivation(latent, x[t], weights)
                case .jumpReLU where configuration.penalty == .tanh: total += tanh(4 * z(latent, x[t], weights) * n)
                default: break
                }
            }
        }
        return lambda * total / Double(x.count)
    }

    func sparsityLoss() -> Double {
        guard configuration.architecture == .jumpReLU, configuration.penalty == .step else { return penalty(weights) }
        return lambda * (configuration.targetL0.map { pow(l0 / Double($0) - 1, 2) } ?? l0)
    }

    /// Gated: the gate's own reconstruction, with decoder and b_dec (but where x is centred by it) as they were.
    func gateLoss(_ weights: [[Double]]) -> Double {
        guard configuration.architecture == .gated else { return 0 }
        return x.indices.reduce(0.0) { total, t in
            let sum = decoded(open[t].map { ($0, preactivation($0, x[t], weights)) }, self.weights[2], y[t].count)
            return total + y[t].indices.reduce(0.0) { $0 + pow(sum[$1] + self.weights[3][$1] - y[t][$1], 2) }
        } / Double(x.count)
    }

    func auxiliaryLoss(_ weights: [[Double]]) -> Double {
        guard configuration.wakes == .auxK, !dead.isEmpty else { return 0 }
        let squares = x.indices.reduce(0.0) { total, t in
            let values = auxiliary[t].map { ($0, preactivation($0, x[t], weights)) }
            let sum = decoded(values, weights[2], y[t].count)
            return total + sum.indices.reduce(0.0) { $0 + pow(sum[$1] + residual[t][$1], 2) }
        }
        return Double(configuration.wakeWeight) * squares / residualVariance
    }

    /// θ and ‖d‖ as they were.
    func preactivationLoss(_ weights: [[Double]]) -> Double {
        guard configuration.wakes == .preactivation else { return 0 }
        return Double(configuration.wakeWeight) / Double(x.count)
            * x.indices.reduce(0.0) { total, t in
                total
                    + dead.filter { !active[t].contains($0) }.reduce(0.0) {
                        $0 + norm($1, self.weights) * (exp(self.weights[4][$1]) - preactivation($1, x[t], weights))
                    }
            }
    }

    func gradients() -> [[Double]] {
        let h = 1e-5
        func loss(_ weights: [[Double]]) -> Double {
            mainLoss(weights) + penalty(weights) + gateLoss(weights) + auxiliaryLoss(weights)
                + preactivationLoss(weights)
        }
        return weights.indices.map { p in
            if p == 4, configuration.architecture == .jumpReLU { return thresholdGradients() }
            return weights[p].indices.map { i in
                var (below, above) = (weights, weights)
                below[p][i] -= h
                above[p][i] += h
                return (loss(above) - loss(below)) / (2 * h)
            }
        }
    }

    /// Straight-through estimates with respect to t = log θ: −θ · (θ ∂loss/∂z + ∂loss/∂L0) / ε for each π within ε/2 of θ.
    private func thresholdGradients() -> [Double] {
        let width = Double(configuration.bandwidth!)
        return (0..<24).map { latent in
            let theta = exp(weights[4][latent])
            return x.indices.reduce(0.0) { total, t in
                let pi = preactivation(latent, x[t], weights)
                guard abs(pi - theta) < width / 2 else { return total }
                var pull = (0..<wiring.outputWidth).reduce(0.0) {
                    $0 + unit * residual[t][$1] * weights[2][latent * wiring.outputWidth + $1]
                }
                let n = norm(latent, weights)
                var countPull = 0.0
                if configuration.penalty == .step {
                    countPull = lambda / Double(x.count)
                    if let target = configuration.targetL0 {
                        countPull *= 2 * (l0 / Double(target) - 1) / Double(target)
                    }
                } else if pi > theta {
                    pull += lambda / Double(x.count) * 4 * n * (1 - pow(tanh(4 * pi * n), 2))
                }
                return total - theta * (theta * pull + countPull) / width
            }
        }
    }
}
