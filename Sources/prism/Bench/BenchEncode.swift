import ArgumentParser
import PrismCore
import PrismDictionaries
import PrismTensor

struct BenchEncode: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encode",
        abstract: "Times encoding with a TopK dictionary against one encoder product of the BLAS library.",
        discussion: """
            Encodings and products take turns in one process; medians are printed. Weights are normal, vectors sparse \
            sums of 4096 random directions with a little noise.
            """)

    @Option(help: "Width of the vectors.") var width = 768
    @Option(help: "Latents of the dictionary.") var latents = 24576
    @Option(help: "Latents active per vector.") var k = 32
    @Option(help: "Vectors to encode.") var batch = 4096
    @Option(help: "How latents are selected: fp32 or bf16.") var precision = Precision.bf16
    @Option(help: "Timed encodings, and as many products.") var rounds = 7
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        guard (1...latents).contains(k), width > 0, batch > 0, rounds > 0 else {
            throw PrismError.usage("width, batch and rounds must be positive, and k lie between 1 and the latents")
        }
        var generator = SeededGenerator(seed: 9, stream: "encoder")
        let weight = Tensor(latents, width)
        for i in 0..<weight.count { weight.data[i] = generator.normal() }
        let dictionary = SparseDictionary(
            encoder: weight, encoderBias: Tensor(latents), decoder: weight, decoderBias: Tensor(width),
            activation: .topK(k), precision: precision)
        let input = sparseVectors(batch, width, seed: 0)
        _ = dictionary.encode(input, workers: threads.workers)
        let peak = peakMemory()

        let product = EncoderProduct(batch, weight, threads.workers)
        var (encodings, products) = ([Double](), [Double]())
        for _ in 0..<rounds {
            products.append(product.seconds(of: input))
            encodings.append(seconds { _ = dictionary.encode(input, workers: threads.workers) })
        }
        try printFigures(
            [
                ("vectors_per_second", Double(batch) / median(encodings)), ("seconds_per_batch", median(encodings)),
                ("encoder_product_seconds", median(products)),
                ("ratio_to_encoder_product", median(zip(encodings, products).map(/))),
                ("peak_memory_bytes", Double(peak)),
            ], json: json)
    }
}
