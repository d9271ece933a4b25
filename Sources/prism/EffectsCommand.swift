import ArgumentParser
import PrismAtlas
import PrismCore
import PrismRuns

struct EffectsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "effects",
        abstract:
            "Measures what latents do: what the model predicts without them, with them doubled, and beside controls.",
        discussion: """
            Each latent is changed where it is active in held-out text, and the model run on from there. Beside it stand a \
            random direction of the same length and the neuron that goes with it most. The run's atlas and report show the \
            result; latents measured before stay.

            Examples:
              prism effects runs/books
              prism effects runs/books --latents 12,1234 --contexts 16
            """)

    @Argument(
        help: ArgumentHelp(
            "A run that `prism discover` made, or `folder:dictionary` where it has several.", valueName: "run"))
    var subject: String
    @Option(
        help: ArgumentHelp("Latents by number; without, some are drawn.", valueName: "n,…"),
        transform: { try EditOptions.numbers($0, "latents") })
    var latents: [Int]?
    @Option(help: ArgumentHelp("Latents to draw.", valueName: "n")) var count = 100
    @Option(help: ArgumentHelp("Held-out tokens to look for their activity in.", valueName: "n")) var tokens = 20_000
    @Option(help: ArgumentHelp("Contexts that each latent is changed in, at most.", valueName: "n")) var contexts = 4
    @Option(help: ArgumentHelp("Seed of the draw and of random directions.", valueName: "n")) var seed: UInt64 = 0
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func validate() throws {
        for (name, value) in [("count", count), ("tokens", tokens), ("contexts", contexts)] where value < 1 {
            throw ValidationError("--\(name) must be 1 or more, not \(value)")
        }
    }

    func run() throws {
        Interrupt.install()
        var options = EffectMeasurement.Options()
        (options.latents, options.count, options.tokens) = (latents, count, tokens)
        (options.contexts, options.seed) = (contexts, seed)
        let (effects, report) = try EffectMeasurement.run(subject, options, workers: threads.workers)
        if json { return try printJSON(effects) }
        func text(_ value: Double) -> String { value.formatted(.number.precision(.significantDigits(1...2))) }
        let strongest = effects.sorted { $0.ablated.divergenceActive > $1.ablated.divergenceActive }.prefix(20)
        printTable(
            ["latent", "KL where active", "elsewhere", "random", "neuron", "local", "less likely without it"],
            strongest.map { effect in
                [
                    "\(effect.latent)", text(effect.ablated.divergenceActive), text(effect.ablated.divergenceElsewhere),
                    text(effect.random.divergenceActive),
                    effect.neuron.map { text($0.consequence.divergenceActive) } ?? "–",
                    effect.ablated.locality.formatted(.percent.precision(.fractionLength(0))),
                    effect.fallen.prefix(3).map(\.token).joined(separator: " "),
                ]
            })
        print("\n\(effects.count) latents measured; the report is \(report.path)")
    }
}
