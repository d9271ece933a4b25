import ArgumentParser
import Foundation
import PrismCore
import PrismModels
import PrismTensor

struct BenchModel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Times training a small transformer against the matrix products it cannot do without.",
        discussion: """
            A step does each of the model's products three times: forward, and for the gradients of inputs and of weights. \
            The floor is the rate at which these alone would run at the speed of one large product by the BLAS library, \
            measured in the same process. Contexts hold random tokens; steps and products take turns, medians are printed. \
            `make peer-model` measures PyTorch at the same.
            """)

    private static let standard = LanguageModelConfiguration()
    @Option(help: "Blocks of attention and MLP.") var layers = standard.layers
    @Option(help: "Numbers in the residual stream.") var width = standard.width
    @Option(help: "Heads.") var heads = standard.heads
    @Option(help: "Tokens in the vocabulary.") var vocabulary = standard.vocabulary
    @Option(help: "Tokens in a context.") var context = standard.context
    @Option(help: "Contexts in a step.") var batch = standard.batch
    @Option(help: "Timed steps, and as many products.") var rounds = 5
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        var configuration = Self.standard
        (configuration.layers, configuration.width, configuration.heads) = (layers, width, heads)
        (configuration.vocabulary, configuration.context, configuration.batch) = (vocabulary, context, batch)
        try configuration.validate()
        let trainer = LanguageModelTrainer(configuration, vocabulary: vocabulary, workers: threads.workers)
        var generator = SeededGenerator(seed: 0, stream: "bench")
        let contexts = (0..<batch).map { _ in
            (0..<context).map { _ in Int32.random(in: 0..<Int32(vocabulary), using: &generator) }
        }
        _ = try trainer.train(on: contexts)
        let product = LargeProduct(precision: .fp32, workers: threads.workers)
        var (steps, rates) = ([Double](), [Double]())
        for _ in 0..<rounds {
            rates.append(product.rate())
            steps.append(try seconds { _ = try trainer.train(on: contexts) })
        }
        let tokens = Double(batch * context)
        let flops = 6 * Double(productWeights(trainer.shape)) * tokens
        try printFigures(
            [
                ("tokens_per_second", tokens / median(steps)),
                ("floor_tokens_per_second", tokens * median(rates) / flops),
                ("ratio_to_floor", median(zip(steps, rates).map { flops / $1 / $0 })),
                ("megaflop_per_token", flops / tokens / 1e6), ("peak_memory_bytes", Double(peakMemory())),
            ], json: json)
    }

    /// Weights that a token is multiplied with, and on average its half of the context with itself twice.
    private func productWeights(_ shape: TransformerConfiguration) -> Int {
        let attention = 4 * shape.width * shape.width + context * shape.width
        return shape.layerCount * (attention + 2 * shape.width * shape.mlpWidth) + shape.width * shape.vocabularySize
    }
}
