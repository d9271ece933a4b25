import ArgumentParser
import Foundation
import PrismCore
import PrismModels
import PrismTensor

struct BenchFamilies: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "families",
        abstract: "Times harvest and generation with a model of each family against what they cannot do without.",
        discussion: """
            Each model has random weights and, whatever its family, 12 layers of width 576. Harvesting is measured against \
            the model's products at the speed of one large product by the BLAS library; generation, which reads every weight \
            for one token, against reading as much memory on one thread. All take turns in one process; medians are printed.
            """)

    @Option(help: "Tokens to generate in a timed call.") var tokens = 32
    @Option(help: "Timed calls of each.") var rounds = 3
    @OptionGroup var threads: ThreadOption

    func run() throws {
        let workers = threads.workers
        let product = LargeProduct(precision: .fp32, workers: workers)
        var rows: [[String]] = []
        for family in Self.families {
            var shape = TransformerConfiguration(
                family: family.name, width: 576, layerCount: 12, headCount: 9, keyValueHeadCount: 3, headWidth: 64,
                mlpWidth: 1536, vocabularySize: 16_384, contextLength: 1024)
            family.change(&shape)
            let model = Transformer(random: shape, seed: 0, backend: CPUBackend())
            var generator = SeededGenerator(seed: 0, stream: "bench")
            let contexts = (0..<32).map { _ in
                (0..<128).map { _ in Int32.random(in: 0..<Int32(shape.vocabularySize), using: &generator) }
            }
            let request = ForwardRequest(contexts: contexts, capture: [.residualPost(layer: shape.layerCount - 1)])
            let out = Tensor(request.tokenCount, shape.width)
            let inBlocks = shape.weightNames.filter { $0.layer != nil && !$0.isBias && !$0.part.isNorm }
                .reduce(0) { $0 + shape.shape(of: $1)!.reduce(1, *) }
            let read = Tensor(inBlocks + shape.width * shape.vocabularySize)
            var (harvest, generation, sink) = ([Double](), [Double](), Float(0))
            for round in 0...rounds {
                let rate = product.rate()
                let pass = try seconds { try model.run(request, into: [out], workers: workers) }
                let memory = seconds { sink += CPUBackend().dot(read.data, read.data, count: read.count) }
                let written = try seconds { _ = try model.generate(prompt: [1], count: tokens) }
                // The first round warms up.
                if round == 0 { continue }
                harvest.append(2 * Double(inBlocks) * Double(request.tokenCount) / rate / pass)
                generation.append(memory * Double(tokens) / written)
            }
            precondition(sink == 0, "what was read is zeros")
            rows.append([family.name] + [harvest, generation].map { String(format: "%.2f", median($0)) })
        }
        printTable(["family", "harvest, of the floor", "generation, of the floor"], rows)
    }

    /// What each family computes otherwise than Llama.
    private static let families: [(name: String, change: @Sendable (inout TransformerConfiguration) -> Void)] = [
        (
            "gpt2",
            {
                asGPT(&$0); $0.rotaryWidth = 0
            }
        ),
        (
            "gptneox",
            {
                asGPT(&$0); ($0.arrangement, $0.rotaryWidth, $0.activation) = (.parallel, 16, .gelu)
            }
        ),
        (
            "gptj",
            {
                asGPT(&$0); ($0.arrangement, $0.rotaryWidth) = (.parallelSharingNorm, 32)
            }
        ),
        ("llama", { _ in }),
        ("mistral", { ($0.window, $0.windowedLayers) = (64, Array(0..<12)) }),
        ("qwen2", { $0.queryKeyValueBias = true }),
        ("qwen3", { $0.queryKeyNorm = .head }),
        (
            "gemma2",
            {
                asGemma(&$0); ($0.attentionSoftCap, $0.logitSoftCap) = (50, 30)
            }
        ),
        (
            "gemma3",
            {
                asGemma(&$0); $0.queryKeyNorm = .head
            }
        ),
        ("olmo2", { ($0.norms, $0.queryKeyNorm) = (.after, .all) }),
        ("phi3", { _ in }),
    ]

    private static func asGPT(_ shape: inout TransformerConfiguration) {
        (shape.normsAreCentred, shape.isGated, shape.keyValueHeadCount) = (true, false, shape.headCount)
        (shape.queryKeyValueBias, shape.attentionOutBias, shape.mlpBias) = (true, true, true)
        shape.activation = .geluTanh
    }

    private static func asGemma(_ shape: inout TransformerConfiguration) {
        (shape.norms, shape.activation, shape.embeddingScale) = (.both, .geluTanh, 24)
        (shape.window, shape.windowedLayers) = (64, [0, 2, 4, 6, 8, 10])
    }
}
