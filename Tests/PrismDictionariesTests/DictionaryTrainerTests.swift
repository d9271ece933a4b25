import Foundation
import PrismCore
import PrismDictionaries
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct DictionaryTrainerTests {
    /// Vectors that are sparse non-negative sums of unit directions, [directions, width].
    struct Planted {
        let directions: Tensor
        var generator: SeededGenerator
        let active: Int

        init(directions count: Int, width: Int, active: Int, seed: UInt64 = 1) {
            generator = SeededGenerator(seed: seed, stream: "planted")
            self.active = active
            directions = Tensor(count, width)
            for i in 0..<count {
                for c in 0..<width { directions[i][c] = generator.normal() }
                let norm = (0..<width).reduce(Float(0)) { $0 + directions[i][$1] * directions[i][$1] }.squareRoot()
                for c in 0..<width { directions[i][c] /= norm }
            }
        }

        mutating func batch(_ rows: Int) -> Tensor {
            let x = Tensor(rows, directions.rowWidth)
            for t in 0..<rows {
                for _ in 0..<active {
                    let i = Int.random(in: 0..<directions.rowCount, using: &generator)
                    let size = 0.5 + generator.uniform()
                    for c in 0..<x.rowWidth { x[t][c] += size * directions[i][c] }
                }
            }
            return x
        }
    }

    static func configuration(
        latents: Int, k: Int, batch: Int, steps: Int, precision: Precision = .fp32
    ) -> TrainingConfiguration {
        var configuration = TrainingConfiguration()
        (configuration.latents, configuration.k, configuration.batch) = (latents, k, batch)
        (configuration.steps, configuration.precision) = (steps, precision)
        return configuration
    }

    /// Blocks of rows and of latents fall to threads by chance; the sums must not notice. Batch and latents are no
    /// multiples of a block, and dead latents take part.
    @Test(arguments: Precision.allCases) func threadsChangeNoBit(precision: Precision) throws {
        var weights: [[[Float]]] = []
        for threads in [1, 2, 3] {
            var configuration = Self.configuration(latents: 701, k: 2, batch: 397, steps: 20, precision: precision)
            configuration.deadAfter = 700
            var planted = Planted(directions: 80, width: 33, active: 4)
            let trainer = try DictionaryTrainer(configuration, Wiring(width: 33), workers: Workers(count: threads))
            trainer.initialise(from: planted.batch(397))
            var reports = [Float]()
            for _ in 0..<20 {
                let report = try trainer.train(on: planted.batch(397))
                reports += [Float(report.fvu), Float(report.auxiliaryLoss), Float(report.gradientNorm)]
            }
            #expect(reports.count == 60 && reports[58] > 0)
            let parameters = [trainer.encoder, trainer.encoderBias, trainer.decoder, trainer.decoderBias]
            weights.append(parameters.flatMap { [$0.value.values, $0.moment1.values, $0.moment2.values] } + [reports])
        }
        #expect(weights[0] == weights[1] && weights[0] == weights[2])
    }

    @Test func decoderRowsKeepUnitNormAndGradientsStandAcross() throws {
        var planted = Planted(directions: 50, width: 24, active: 3)
        var configuration = Self.configuration(latents: 90, k: 4, batch: 128, steps: 30)
        (configuration.learningRate, configuration.deadAfter) = (0.05, 300)
        let trainer = try DictionaryTrainer(configuration, Wiring(width: 24))
        trainer.initialise(from: planted.batch(128))
        for _ in 0..<30 {
            let before = trainer.decoder.value.copy()
            _ = try trainer.train(on: planted.batch(128))
            for i in 0..<90 {
                let (row, gradient) = (trainer.decoder.value[i], trainer.decoder.gradient[i])
                let square = (0..<24).reduce(0.0) { $0 + Double(row[$1]) * Double(row[$1]) }
                #expect(abs(square - 1) < 1e-6)
                let along = (0..<24).reduce(0.0) { $0 + Double(before[i][$1]) * Double(gradient[$1]) }
                let size = (0..<24).reduce(0.0) { $0 + abs(Double(gradient[$1])) }
                // Rounding of the projection, relative to what was projected; gradients here reach about a hundred.
                #expect(abs(along) <= 1e-5 * max(1, size))
            }
        }
    }

    @Test(arguments: Precision.allCases) func plantedDirectionsAreRecovered(precision: Precision) throws {
        var planted = Planted(directions: 64, width: 32, active: 3)
        let configuration = Self.configuration(latents: 96, k: 3, batch: 512, steps: 3000, precision: precision)
        let trainer = try DictionaryTrainer(configuration, Wiring(width: 32))
        trainer.initialise(from: planted.batch(512))
        var fvu = 1.0
        for _ in 0..<configuration.steps { fvu = try trainer.train(on: planted.batch(512)).fvu }
        let rows = trainer.dictionary().decoder
        let best = (0..<64).map { i in
            (0..<96).map { latent in
                let norm = (0..<32).reduce(Float(0)) { $0 + rows[latent][$1] * rows[latent][$1] }.squareRoot()
                return (0..<32).reduce(Float(0)) { $0 + rows[latent][$1] * planted.directions[i][$1] } / norm
            }.max()!
        }
        let mean = best.reduce(0, +) / 64
        #expect(mean > 0.9, "mean of the largest cosines \(mean), FVU \(fvu)")
    }

    /// Half of the latents start with a bias at which they almost never fire, though the data need them; only the
    /// auxiliary loss calls them back. (Measured: 28 of 64 dead without it, 3 with it; FVU 0.28 and 0.10.)
    @Test func auxiliaryLossRevivesDeadLatents() throws {
        func dead(auxiliaryWeight: Float) throws -> Int {
            var planted = Planted(directions: 64, width: 32, active: 3)
            var configuration = Self.configuration(latents: 64, k: 3, batch: 512, steps: 500)
            (configuration.auxiliaryWeight, configuration.deadAfter) = (auxiliaryWeight, 512 * 10)
            let trainer = try DictionaryTrainer(configuration, Wiring(width: 32))
            trainer.initialise(from: planted.batch(512))
            trainer.encoderBias.value.data.update(repeating: -3, count: 32)
            trainer.refreshLayout()
            var dead = 0
            for _ in 0..<configuration.steps { dead = try trainer.train(on: planted.batch(512)).dead }
            return dead
        }
        let (without, with) = (try dead(auxiliaryWeight: 0), try dead(auxiliaryWeight: 1.0 / 32))
        #expect(without > 20 && with < 10, "\(without) dead without, \(with) with")
    }

    @Test(arguments: [Float.nan, .infinity, 1e30]) func aBatchThatIsNotFiniteIsRefused(number: Float) throws {
        var planted = Planted(directions: 9, width: 6, active: 2)
        let configuration = Self.configuration(latents: 12, k: 2, batch: 10, steps: 5)
        let trainer = try DictionaryTrainer(configuration, Wiring(width: 6))
        trainer.initialise(from: planted.batch(10))
        _ = try trainer.train(on: planted.batch(10))
        let before = [trainer.encoder, trainer.encoderBias, trainer.decoder, trainer.decoderBias].map(\.value.values)
        let batch = planted.batch(10)
        batch[7][3] = number
        let error = #expect(throws: PrismError.self) { try trainer.train(on: batch) }
        #expect(error?.kind == .runFailed && error?.message.hasPrefix("step 2: ") == true, "\(error?.message ?? "")")
        #expect(
            before == [trainer.encoder, trainer.encoderBias, trainer.decoder, trainer.decoderBias].map(\.value.values))
        #expect(trainer.step == 1)
    }

    /// The finished dictionary takes activations as the source gives them and returns them on the same scale.
    @Test func inputScaleIsFoldedIn() throws {
        var planted = Planted(directions: 40, width: 16, active: 3)
        let trainer = try DictionaryTrainer(
            Self.configuration(latents: 60, k: 4, batch: 64, steps: 40), Wiring(width: 16))
        func batch() -> Tensor {
            let x = planted.batch(64)
            for i in 0..<x.count { x.data[i] = 37 * x.data[i] + 5 }
            return x
        }
        trainer.initialise(from: batch())
        for _ in 0..<40 { _ = try trainer.train(on: batch()) }
        let s = trainer.inputScale.data[0]
        #expect(s > 0 && s < 0.2)

        let (x, expected) = (batch(), Tensor(64, 16))
        let (centred, codes) = (x.copy(), SparseCodes(rowCount: 64, slots: 4))
        let bias = trainer.decoderBias.value
        for t in 0..<64 { for c in 0..<16 { centred[t][c] = s * x[t][c] - bias.data[c] } }
        let backend = ReferenceBackend()
        let layout = backend.prepare(
            encoder: trainer.encoder.value, bias: trainer.encoderBias.value, precision: .fp32)
        backend.encode(centred, layout, [.largest(into: codes)])
        backend.decode(codes, decoder: trainer.decoder.value, into: expected)
        for t in 0..<64 { for c in 0..<16 { expected[t][c] = (expected[t][c] + bias.data[c]) / s } }

        let (dictionary, found) = (trainer.dictionary(), Tensor(64, 16))
        dictionary.decode(dictionary.encode(x), of: x, into: found)
        // Numbers up to about 100, each the sum of some twenty rounded terms.
        #expect(zip(found.values, expected.values).allSatisfy { abs($0 - $1) < 2e-3 })
    }

    /// A pursuit over hook points of very different size: the finished dictionary explains as much as the trainer measured.
    @Test func aPursuitOverSeveralHookPointsIsFinishedAsItWasTrained() throws {
        var configuration = Self.configuration(latents: 60, k: 4, batch: 64, steps: 4)
        (configuration.architecture, configuration.learningRate) = (.matchingPursuit, 1e-12)
        let trainer = try DictionaryTrainer(configuration, Wiring(input: [5, 11]))
        var planted = Planted(directions: 40, width: 16, active: 3)
        let x = planted.batch(64)
        for t in 0..<64 { for c in 0..<5 { x[t][c] *= 37 } }
        trainer.initialise(from: x)
        let measured = try trainer.train(on: x).fvu

        let (dictionary, found) = (trainer.dictionary(), Tensor(64, 16))
        dictionary.decode(dictionary.encode(x), of: x, into: found)
        var (error, variance) = (0.0, 0.0)
        for c in 0..<16 {
            let mean = (0..<64).reduce(0.0) { $0 + Double(x[$1][c]) } / 64
            for t in 0..<64 {
                error += Double((found[t][c] - x[t][c]) * (found[t][c] - x[t][c]))
                variance += (Double(x[t][c]) - mean) * (Double(x[t][c]) - mean)
            }
        }
        // Single precision, and latents whose choice hangs on its last digit.
        #expect(abs(error / variance - measured) < 1e-3)
    }

    /// A configuration in which each architecture's own machinery is at work: thresholds, p, prefixes, dead latents.
    static func configuration(of architecture: Architecture, steps: Int = 24) -> TrainingConfiguration {
        var configuration = configuration(latents: 150, k: 3, batch: 130, steps: steps)
        (configuration.architecture, configuration.sparsity, configuration.deadAfter) = (architecture, 0.5, 300)
        (configuration.learningRate, configuration.checkpointEvery) = (0.01, 0)
        if architecture == .jumpReLU { configuration.targetL0 = 4 }
        if architecture == .standard {
            (configuration.deadLatents, configuration.resampleSteps) = (.resample, [8, 15])
        }
        return configuration
    }

    /// Stopped half-way and resumed from its checkpoint, on other threads, every architecture ends with the same bytes.
    @Test(arguments: Architecture.allCases) func everyArchitectureResumesToTheBit(architecture: Architecture) throws {
        let configuration = Self.configuration(of: architecture)
        func trainer(_ threads: Int) throws -> DictionaryTrainer {
            try DictionaryTrainer(configuration, Wiring(width: 20), workers: Workers(count: threads))
        }
        var planted = Planted(directions: 60, width: 20, active: 3)
        let batches = (0..<24).map { _ in planted.batch(130) }
        let whole = try trainer(1)
        whole.initialise(from: batches[0])
        for batch in batches { _ = try whole.train(on: batch) }
        try withTemporaryFolder { folder in
            let checkpoints = Checkpoints(folder)
            let first = try trainer(2)
            first.initialise(from: batches[0])
            for batch in batches.prefix(11) { _ = try first.train(on: batch) }
            try checkpoints.save(first)
            let second = try trainer(3)
            let found = try checkpoints.restore(second)
            #expect(found && second.step == 11)
            for batch in batches.dropFirst(11) { _ = try second.train(on: batch) }
            for ((name, a), (_, b)) in zip(whole.parameters, second.parameters) {
                #expect(a.value.values == b.value.values, "\(name)")
                #expect(a.value.values.allSatisfy { $0.isFinite }, "\(name)")
            }
            // What changed is refused, by its name.
            var other = configuration
            (other.k, other.sparsity) = (4, 0.6)
            let third = try DictionaryTrainer(other, Wiring(width: 20))
            let error = #expect(throws: PrismError.self) { try checkpoints.restore(third) }
            #expect(
                error?.message.contains("k was 3, is 4; sparsity was 0.5, is 0.6") == true, "\(error?.message ?? "")")
        }
    }

    /// Every architecture learns: from planted sparse sums it explains most of the variance with few latents, and its
    /// finished dictionary does on new vectors what it did in training.
    @Test(arguments: Architecture.allCases) func everyArchitectureLearns(architecture: Architecture) throws {
        var configuration = Self.configuration(latents: 96, k: 3, batch: 256, steps: 1200)
        (configuration.architecture, configuration.learningRate, configuration.sparsity) = (architecture, 0.003, 0.5)
        if architecture == .jumpReLU { (configuration.targetL0, configuration.sparsity) = (4, 2) }
        if architecture == .standard { configuration.sparsity = 1.5 }
        if architecture == .gated { configuration.sparsity = 4 }
        var planted = Planted(directions: 48, width: 32, active: 3)
        let trainer = try DictionaryTrainer(configuration, Wiring(width: 32))
        trainer.initialise(from: planted.batch(256))
        var report: DictionaryTrainer.Report?
        for _ in 0..<configuration.steps { report = try trainer.train(on: planted.batch(256)) }
        let (x, found) = (planted.batch(2000), Tensor(2000, 32))
        let dictionary = trainer.dictionary()
        let codes = dictionary.encode(x)
        dictionary.decode(codes, of: x, into: found)
        let mean = (0..<32).map { c in (0..<2000).reduce(0.0) { $0 + Double(x[$1][c]) } / 2000 }
        var (error, spread) = (0.0, 0.0)
        for t in 0..<2000 {
            for c in 0..<32 {
                error += pow(Double(x[t][c] - found[t][c]), 2)
                spread += pow(Double(x[t][c]) - mean[c], 2)
            }
        }
        let l0 = Double(codes.entryCount) / 2000
        // Three directions make a vector; a penalty pays for its sparsity with shrinkage.
        #expect(error / spread < 0.3 && l0 > 1.5 && l0 < 9, "\(architecture): FVU \(error / spread), L0 \(l0)")
        #expect(
            abs(error / spread - report!.fvu) < 0.05, "\(architecture): \(error / spread), in training \(report!.fvu)")
    }

    /// Half of the latents can never fire; resampling gives them vectors to stand for.
    @Test func resamplingWakesDeadLatents() throws {
        func dead(_ wake: DeadLatents) throws -> Int {
            var configuration = Self.configuration(latents: 96, k: 3, batch: 256, steps: 400)
            (configuration.architecture, configuration.sparsity, configuration.learningRate) = (.standard, 0.5, 0.003)
            (configuration.deadLatents, configuration.deadAfter, configuration.resampleSteps) = (
                wake, 2560, [100, 200]
            )
            var planted = Planted(directions: 48, width: 32, active: 3)
            let trainer = try DictionaryTrainer(configuration, Wiring(width: 32))
            trainer.initialise(from: planted.batch(256))
            trainer.encoderBias.value.data.update(repeating: -30, count: 48)
            trainer.refreshLayout()
            var dead = 0
            for _ in 0..<configuration.steps { dead = try trainer.train(on: planted.batch(256)).dead }
            return dead
        }
        let (without, with) = (try dead(.leave), try dead(.resample))
        #expect(without >= 40 && with < 20, "\(without) dead without, \(with) with")
    }

    /// A batch of equal vectors has no variance to explain: nothing is learnt, and nothing becomes NaN.
    @Test func equalVectorsLeaveTheWeightsFinite() throws {
        let trainer = try DictionaryTrainer(
            Self.configuration(latents: 12, k: 2, batch: 10, steps: 5), Wiring(width: 6))
        let batch = Tensor(10, 6)
        for t in 0..<10 { for c in 0..<6 { batch[t][c] = Float(c) } }
        trainer.initialise(from: batch)
        for _ in 0..<5 { _ = try trainer.train(on: batch) }
        #expect(trainer.encoder.value.values.allSatisfy { $0.isFinite })
        #expect(trainer.decoder.value.values.allSatisfy { $0.isFinite })
    }
}
