import ArgumentParser
import Foundation
import PrismCore
import PrismDictionaries
import PrismTensor

struct BenchTrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Times training steps of a dictionary against one encoder product of the BLAS library.",
        discussion: """
            Steps and products take turns in one process, so that the ratio holds on a noisy machine; medians are printed. \
            Vectors are sparse sums of 4096 random directions with a little noise. Architectures that penalise begin where \
            about k latents of a vector are active, as they are for most of a training.
            """)

    @Option(help: "Width of the vectors.") var width = 768
    @Option(help: "Latents of the dictionary.") var latents = 24576
    @Option(help: "What kind of dictionary.") var architecture = Architecture.topK
    @Option(help: "Latents active per vector.") var k = 32
    @Flag(help: "Let half of the latents be dead, so that AuxK is at work.") var dead = false
    @Option(help: "Vectors in a step.") var batch = 4096
    @Option(help: "How latents are selected: fp32 or bf16.") var precision = Precision.bf16
    @Option(help: "Timed steps, and as many products.") var rounds = 7
    @Flag(help: "Show where a step's time goes.") var profile = false
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        var configuration = TrainingConfiguration()
        configuration.architecture = architecture
        configuration.latents = latents
        configuration.k = k
        configuration.batch = batch
        configuration.precision = precision
        configuration.steps = 100_000
        let trainer = try DictionaryTrainer(configuration, Wiring(width: width), workers: threads.workers)
        let batches = (0..<3).map { sparseVectors(batch, width, seed: UInt64($0)) }
        trainer.initialise(from: batches[0])
        if !configuration.selectsByCount && architecture != .jumpReLU { sparsify(trainer) }
        if dead { quieten(trainer) }
        var report: DictionaryTrainer.Report?
        for batch in batches { report = try trainer.train(on: batch) }
        if profile { trainer.profile = StepProfile() }
        let peak = peakMemory()

        let product = EncoderProduct(batch, sparseVectors(latents, width, seed: 9), threads.workers)
        var (steps, products) = ([Double](), [Double]())
        for round in 0..<rounds {
            let input = batches[round % batches.count]
            products.append(product.seconds(of: input))
            steps.append(try seconds { report = try trainer.train(on: input) })
        }
        var figures = [
            ("vectors_per_second", Double(batch) / median(steps)), ("seconds_per_step", median(steps)),
            ("encoder_product_seconds", median(products)),
            ("ratio_to_encoder_product", median(zip(steps, products).map(/))), ("peak_memory_bytes", Double(peak)),
            ("l0", report?.l0 ?? 0), ("dead_latents", Double(report?.dead ?? 0)),
        ]
        for (name, seconds) in trainer.profile?.parts ?? [] {
            figures.append(("seconds_" + name.replacing(" ", with: "_"), seconds / Double(rounds)))
        }
        try printFigures(figures, json: json)
    }

    /// Lowers the encoder's bias until about k latents of a vector are active.
    private func sparsify(_ trainer: DictionaryTrainer) {
        let sample = Tensor(256, latents)
        CPUBackend().multiply(trainer.centred.rows(0..<256), by: trainer.encoder.value, transposed: true, into: sample)
        let sorted = sample.values.sorted(by: >)
        trainer.encoderBias.value.fill(-sorted[256 * k])
        trainer.pace.data[0] = Float(k)
        trainer.refreshLayout()
    }

    /// Makes half of the latents too weak to be selected, and counts them as dead.
    private func quieten(_ trainer: DictionaryTrainer) {
        for latent in 0..<latents / 2 {
            for c in 0..<width { trainer.encoder.value[latent][c] *= 0.05 }
            trainer.silence.data[latent] = 0x1p24
        }
        trainer.refreshLayout()
    }
}
