import ArgumentParser
import Foundation
import PrismCore
import PrismModels
import PrismTensor

struct BenchHarvest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "harvest",
        abstract: "Times harvesting activations against the matrix products it cannot do without.",
        discussion: """
            The floor is the rate at which the model's products alone would run, at the speed of one large product \
            measured in the same process: in fp32 the BLAS library's, in bf16 the faster of that and Prism's own bf16 \
            product. Contexts hold random tokens; harvest and product take turns, medians are printed.
            """)

    @OptionGroup var options: ModelOptions
    @Option(help: ArgumentHelp("Hook point to harvest.", valueName: "name"), transform: { try HookPoint($0) })
    var hook = HookPoint.residualPost(layer: 15)
    @Option(help: "Tokens in a context.") var context = 128
    @Option(help: "Contexts in a timed pass.") var contexts = 32
    @Option(help: "Timed passes, and as many products.") var rounds = 5
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        let model = try options.transformer()
        let (workers, shape) = (threads.workers, model.configuration)
        var generator = SeededGenerator(seed: 0, stream: "bench")
        let tokens = (0..<contexts).map { _ in
            (0..<context).map { _ in Int32.random(in: 0..<Int32(shape.vocabularySize), using: &generator) }
        }
        let request = ForwardRequest(contexts: tokens, capture: [hook])
        let out = Tensor(request.tokenCount, shape.width(at: hook))
        try model.run(request, into: [out], workers: workers)
        let peak = peakMemory()

        let product = LargeProduct(precision: options.precision, workers: workers)
        var (passes, rates) = ([Double](), [Double]())
        for _ in 0..<rounds {
            rates.append(product.rate())
            passes.append(try seconds { try model.run(request, into: [out], workers: workers) })
        }
        let flops = 2 * Double(productWeights(shape))
        let floor = median(rates) / flops
        let speed = Double(request.tokenCount) / median(passes)
        try printFigures(
            [
                ("tokens_per_second", speed), ("floor_tokens_per_second", floor),
                ("ratio_to_floor", median(zip(passes, rates).map { Double(request.tokenCount) / $0 / ($1 / flops) })),
                ("megaflop_per_token", flops / 1e6), ("peak_memory_bytes", Double(peak)),
            ], json: json)
    }

    /// Weights that a token is multiplied with on its way to the hook point.
    private func productWeights(_ shape: TransformerConfiguration) -> Int {
        let attentionIn = shape.width * (shape.queryWidth + 2 * shape.keyValueWidth)
        let (attentionOut, mlpIn) = (
            shape.queryWidth * shape.width, (shape.isGated ? 2 : 1) * shape.width * shape.mlpWidth
        )
        let mlp = mlpIn + shape.width * shape.mlpWidth
        guard let layer = hook.layer else {
            return hook == .embedding ? 0 : shape.layerCount * (attentionIn + attentionOut + mlp)
        }
        let partial =
            switch hook {
            case .residualPre: 0
            case .attentionOut, .residualMid, .mlpIn: attentionIn + attentionOut
            case .neurons: attentionIn + attentionOut + mlpIn
            default: attentionIn + attentionOut + mlp
            }
        return layer * (attentionIn + attentionOut + mlp) + partial
    }
}
