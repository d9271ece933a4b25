import Foundation
import PrismCore
import PrismDictionaries
import PrismTensor
import Testing

/// The trainer's hand-written gradients against central differences of its loss, written anew in double precision.
@Suite struct TopKGradientTests {
    @Test(arguments: [true, false]) func gradientsAreThoseOfTheLoss(reference: Bool) throws {
        var configuration = TrainingConfiguration()
        (configuration.latents, configuration.k, configuration.batch) = (24, 2, 9)
        (configuration.auxiliaryK, configuration.auxiliaryWeight, configuration.deadAfter) = (2, 0.7, 1)
        (configuration.learningRate, configuration.warmup, configuration.precision) = (0.01, 0, .fp32)
        let backend: any Backend = reference ? ReferenceBackend() : CPUBackend()
        let trainer = try TopKTrainer(configuration, width: 5, backend: backend, workers: Workers(count: 1))
        var generator = SeededGenerator(seed: 3, stream: "test")
        func batch() -> Tensor {
            let batch = Tensor(9, 5)
            for i in 0..<batch.count { batch.data[i] = 4 * generator.normal() + 2 }
            return batch
        }
        trainer.initialise(from: batch())
        // Steps by which weights leave the symmetric start (unit rows, encoder = decoder, no biases).
        var dead: [Int] = []
        for step in 0..<6 {
            let x = batch()
            let twin = Twin(trainer, x, dead: dead)
            let report = try trainer.train(on: x)
            // With `deadAfter` 1 a latent is dead that was silent in the step before.
            dead = (0..<24).filter { latent in !twin.active.contains { $0.contains(latent) } }
            guard step > 0 else { continue }
            #expect(report.dead > 2 && report.dead < 24 && twin.auxiliaryActive.contains { !$0.isEmpty })

            // Sums of tens of fp32 terms; the losses are of size one.
            #expect(abs(report.fvu - twin.mainLoss(twin.weights)) < 1e-5)
            #expect(abs(report.auxiliaryLoss - twin.auxiliaryLoss(twin.weights)) < 1e-5)
            let analytic = [trainer.encoder, trainer.encoderBias, trainer.decoder, trainer.decoderBias].map {
                $0.gradient.values.map { Double($0) * 2 / twin.variance }
            }
            var numeric = twin.gradients()
            for row in stride(from: 0, to: 24 * 5, by: 5) {
                let along = (row..<row + 5).reduce(0.0) { $0 + numeric[2][$1] * twin.weights[2][$1] }
                for i in row..<row + 5 { numeric[2][i] -= along * twin.weights[2][i] }
            }
            let names = ["W_enc", "b_enc", "W_dec", "b_dec"]
            for (name, (found, expected)) in zip(names, zip(analytic, numeric)) {
                let largest = expected.map(abs).max()!
                #expect(largest > 1e-3, "\(name) has no gradient, so nothing is tested")
                // Both losses are quadratic in each single weight, so central differences are exact; what is left is
                // fp32's rounding of the sums.
                #expect(
                    zip(found, expected).allSatisfy { abs($0 - $1) < 2e-5 * max(1, largest) }, "\(name), step \(step)")
            }
            let norm = analytic.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
            #expect(abs(report.gradientNorm - norm) < 1e-5 * norm)
        }
    }
}

/// The naive twin: the whole loss at fixed selections, with no line shared with the trainer.
private struct Twin {
    /// W_enc, b_enc, W_dec, b_dec, row-major.
    let weights: [[Double]]
    let x: [[Double]]
    /// Selected latents of each row, and those of the auxiliary reconstruction among the dead.
    let active, auxiliaryActive: [[Int]]
    let auxiliaryWeight: Double
    /// The residual, a constant of the auxiliary loss.
    let residual: [[Double]]
    let variance, residualVariance: Double

    init(_ trainer: TopKTrainer, _ batch: Tensor, dead: [Int]) {
        let configuration = trainer.configuration
        let weights = [trainer.encoder, trainer.encoderBias, trainer.decoder, trainer.decoderBias].map {
            $0.value.values.map(Double.init)
        }
        let scale = Double(trainer.inputScale)
        let x = (0..<batch.rowCount).map { t in (0..<batch.rowWidth).map { scale * Double(batch[t][$0]) } }
        func largest(_ count: Int, of latents: [Int], _ row: [Double]) -> [Int] {
            let values = latents.map { ($0, Self.preactivation($0, row, weights)) }.filter { $0.1 > 0 }
            return values.sorted { $0.1 > $1.1 }.prefix(count).map(\.0)
        }
        let active = x.map { largest(configuration.k, of: Array(0..<configuration.latents), $0) }
        auxiliaryActive = x.map { largest(configuration.auxiliaryK!, of: dead, $0) }
        auxiliaryWeight = Double(configuration.auxiliaryWeight)
        residual = zip(x, active).map { Self.error($0, $1, weights) }
        variance = Self.variance(x)
        residualVariance = Self.variance(residual)
        (self.x, self.weights, self.active) = (x, weights, active)
    }

    static func preactivation(_ latent: Int, _ x: [Double], _ weights: [[Double]]) -> Double {
        x.indices.reduce(weights[1][latent]) { $0 + weights[0][latent * x.count + $1] * (x[$1] - weights[3][$1]) }
    }

    /// Σᵢ zᵢ W_dec[i]
    static func decoded(_ x: [Double], _ active: [Int], _ weights: [[Double]]) -> [Double] {
        var sum = x.map { _ in 0.0 }
        for latent in active {
            let z = preactivation(latent, x, weights)
            for c in x.indices { sum[c] += z * weights[2][latent * x.count + c] }
        }
        return sum
    }

    /// x̂ − x
    static func error(_ x: [Double], _ active: [Int], _ weights: [[Double]]) -> [Double] {
        let sum = decoded(x, active, weights)
        return x.indices.map { sum[$0] + weights[3][$0] - x[$0] }
    }

    static func variance(_ rows: [[Double]]) -> Double {
        rows[0].indices.reduce(0.0) { total, c in
            let mean = rows.reduce(0.0) { $0 + $1[c] } / Double(rows.count)
            return total + rows.reduce(0.0) { $0 + ($1[c] - mean) * ($1[c] - mean) }
        }
    }

    func mainLoss(_ weights: [[Double]]) -> Double {
        zip(x, active).reduce(0.0) { $0 + Self.error($1.0, $1.1, weights).reduce(0.0) { $0 + $1 * $1 } } / variance
    }

    func auxiliaryLoss(_ weights: [[Double]]) -> Double {
        let squares = x.indices.reduce(0.0) { total, t in
            let decoded = Self.decoded(x[t], auxiliaryActive[t], weights)
            return total + decoded.indices.reduce(0.0) { $0 + pow(decoded[$1] + residual[t][$1], 2) }
        }
        return auxiliaryWeight * squares / residualVariance
    }

    func gradients() -> [[Double]] {
        let h = 1e-3
        return weights.indices.map { p in
            weights[p].indices.map { i in
                let (below, above) = [-h, h].map { step in
                    var moved = weights
                    moved[p][i] += step
                    return mainLoss(moved) + auxiliaryLoss(moved)
                }.pair
                return (above - below) / (2 * h)
            }
        }
    }
}

extension Array {
    fileprivate var pair: (Element, Element) { (self[0], self[1]) }
}
