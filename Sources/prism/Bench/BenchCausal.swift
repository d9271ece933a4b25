import ArgumentParser
import PrismActivations
import PrismCausal
import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor

struct BenchCausal: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "causal",
        abstract: "Times a patching map and ablations of latents against a loop of whole passes.",
        discussion: """
            The map patches the residual stream at every layer and position of prompts about indirect objects. Latents are \
            those of a dictionary of random directions halfway up the model, each taken away, doubled and set beside its \
            controls in contexts of random tokens. The loop runs the whole model for each change, one context at a time; a \
            sample of it is timed, and the rest reckoned.
            """)

    @OptionGroup var options: ModelOptions
    @Option(help: "Pairs of prompts in the map.") var pairs = 80
    @Option(help: "Latents in the dictionary.") var latents = 4608
    @Option(help: "Latents to measure.") var measured = 4
    @Option(help: "Contexts that they are looked for in.") var contexts = 50
    @Option(help: "Tokens in a context.") var context = 128
    @Option(help: "Whole passes to time.") var loop = 20
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        let (model, tokenizer) = try options.load()
        try printFigures(try map(model, tokenizer) + ablations(model), json: json)
    }

    private func map(_ model: Transformer, _ tokenizer: Tokenizer) throws -> [(String, Double)] {
        let prompts = try PatchingTask("ioi").pairs(count: pairs, tokenizer: tokenizer)
        var patching = Patching()
        patching.sites = [.residual]
        let heading = PatchingReport.Heading(model: "model", task: "ioi", example: prompts[0], tokenizer)
        let fast = try seconds { _ = try patching.report(on: model, prompts, heading, workers: threads.workers) }
        var generator = SeededGenerator(seed: 0, stream: "bench")
        let layers = model.configuration.layerCount
        let loop = try whole { pass in
            let prompt = prompts[pass % prompts.count].corrupt
            let hook = HookPoint.residualPre(layer: Int.random(in: 0..<layers, using: &generator))
            let row = Int.random(in: 0..<prompt.count, using: &generator)
            let patch = Intervention(at: hook) { x, _ in x[row][0] += 1 }
            _ = try model.logits(prompt, interventions: [patch], workers: threads.workers)
        }
        let cells = layers * prompts.reduce(0) { $0 + $1.clean.count }
        return [
            ("map_seconds", fast), ("map_runs", Double(cells)), ("map_loop_seconds", loop * Double(cells)),
            ("map_speedup", loop * Double(cells) / fast),
        ]
    }

    private func ablations(_ model: Transformer) throws -> [(String, Double)] {
        let shape = model.configuration
        let hook = HookPoint.residualPost(layer: shape.layerCount / 2)
        var generator = SeededGenerator(seed: 0, stream: "bench ablations")
        let decoder = Tensor(latents, shape.width)
        for i in 0..<decoder.count { decoder.data[i] = generator.normal() / Float(shape.width).squareRoot() }
        let placed = try PlacedDictionary(
            name: "random",
            SparseDictionary(
                encoder: decoder, encoderBias: Tensor(latents), decoder: decoder, decoderBias: Tensor(shape.width),
                activation: .topK(32)), reads: hook, writes: hook)
        let texts = (0..<contexts).map { _ in
            (0..<context).map { _ in Int32.random(in: 0..<Int32(shape.vocabularySize), using: &generator) }
        }.map { TokenContext(tokens: $0, document: 0, positions: (1..<Int32(context)).map { $0 }) }
        var options = LatentEffects.Options()
        (options.contexts, options.window) = (contexts, context)
        let chosen = (0..<measured).map { $0 * latents / measured }
        var changes = 0
        let fast = try seconds {
            let effects = try LatentEffects(model, placed, options, workers: threads.workers, text: { "\($0)" })
                .measure(chosen, on: texts)
            changes = effects.reduce(0) { $0 + $1.contexts * ($1.neuron == nil ? 3 : 4) }
        }
        let loop = try whole { pass in
            let nothing = Intervention(at: hook) { _, _ in }
            _ = try model.logits(texts[pass % contexts].tokens, interventions: [nothing], workers: threads.workers)
        }
        let passes = Double(4 * measured * contexts)
        return [
            ("ablation_seconds", fast), ("ablation_contexts_changed", Double(changes)),
            ("ablation_loop_passes", passes),
            ("ablation_loop_seconds", loop * passes), ("ablation_speedup", loop * passes / fast),
        ]
    }

    /// Seconds of one whole pass.
    private func whole(_ body: (Int) throws -> Void) throws -> Double {
        try seconds { for pass in 0..<loop { try body(pass) } } / Double(loop)
    }
}
