import ArgumentParser
import PrismCausal
import PrismCore
import PrismModels
import PrismRuns
import PrismTensor

struct BenchCausal: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "causal",
        abstract: "Times a patching map and ablations of latents against a loop of whole passes.",
        discussion: """
            The map patches the residual stream at every layer and position of prompts about indirect objects. Latents of the \
            run's dictionary are taken away, doubled and set beside their controls, as `prism effects` does, in every context \
            of held-out text in which they are active. The loop runs the whole model for each latent and context, or layer and position, with a \
            context on each thread; a sample of it is timed, and the rest reckoned.
            """)

    @Argument(help: ArgumentHelp("A run, or `folder:dictionary` where it has several.", valueName: "run"))
    var subject: String
    @Option(help: "Pairs of prompts in the map.") var pairs = 80
    @Option(help: "Latents to measure, evenly drawn.") var measured = 48
    @Option(help: "Held-out tokens that they are looked for in.") var tokens = 2000
    @Option(help: "Whole passes to time.") var loop = 40
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        let subject = try CausalSubject([subject])
        let placed = try subject.dictionaries.named(nil)
        try printFigures(try map(subject) + ablations(of: placed, subject), json: json)
    }

    private func map(_ subject: CausalSubject) throws -> [(String, Double)] {
        let model = subject.model
        let prompts = try PatchingTask("ioi").pairs(count: pairs, tokenizer: subject.tokenizer)
        var patching = Patching()
        patching.sites = [.residual]
        let heading = PatchingReport.Heading(model: "model", task: "ioi", example: prompts[0], subject.tokenizer)
        let fast = try seconds { _ = try patching.report(on: model, prompts, heading, workers: threads.workers) }
        let layers = model.configuration.layerCount
        let whole = try secondsOfPass { pass in
            let prompt = prompts[pass % prompts.count].corrupt
            let patch = Intervention(at: .residualPre(layer: pass % layers)) { x, _ in x[pass % prompt.count][0] += 1 }
            let normed = try normed(model, prompt, patch)
            model.logits(
                normed.rows(prompt.count - 1..<prompt.count), into: Tensor(1, model.configuration.vocabularySize))
        }
        let passes = Double(layers * prompts.reduce(0) { $0 + $1.clean.count })
        return [
            ("map_seconds", fast), ("map_loop_passes", passes), ("map_loop_seconds", whole * passes),
            ("map_speedup", whole * passes / fast),
        ]
    }

    private func ablations(of placed: PlacedDictionary, _ subject: CausalSubject) throws -> [(String, Double)] {
        let model = subject.model
        let texts = try subject.heldOut(tokens: tokens)
        var options = LatentEffects.Options()
        options.contexts = texts.count
        let latents = placed.dictionary.latentCount
        let count = min(measured, latents)
        let chosen = (0..<count).map { $0 * latents / count }
        let measurement = LatentEffects(model, placed, options, workers: threads.workers, text: { "\($0)" })
        var changed = 0
        let fast = try seconds { changed = try measurement.measure(chosen, on: texts).reduce(0) { $0 + $1.contexts } }
        let whole = try secondsOfPass { pass in
            let tokens = texts[pass * texts.count / loop].tokens
            let normed = try normed(model, tokens, Intervention(at: placed.writes) { x, _ in x[0][0] += 1 })
            model.logits(normed, into: Tensor(tokens.count, model.configuration.vocabularySize))
        }
        let passes = Double(4 * count * texts.count)
        return [
            ("ablation_contexts", Double(texts.count)), ("ablation_latents", Double(count)),
            ("ablation_contexts_active_mean", Double(changed) / Double(count)),
            ("ablation_seconds", fast), ("ablation_loop_passes", passes), ("ablation_loop_seconds", whole * passes),
            ("ablation_speedup", whole * passes / fast),
        ]
    }

    /// The whole model, with nothing but the final norm's output kept.
    private func normed(_ model: Transformer, _ tokens: [Int32], _ change: Intervention) throws -> Tensor {
        let request = ForwardRequest(contexts: [tokens], capture: [.finalNorm], interventions: [change])
        return try model.run(request, workers: Workers(count: 1))[.finalNorm]
    }

    /// Seconds for each of many passes, of which every thread runs one at a time.
    private func secondsOfPass(_ body: (Int) throws -> Void) throws -> Double {
        try seconds { _ = try threads.workers.map(loop, by: 1) { _, pass in try body(pass.lowerBound) } } / Double(loop)
    }
}
