import ArgumentParser
import Foundation
import PrismCausal
import PrismCore
import PrismRuns

struct LensCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lens",
        abstract: "Shows what a model would predict if it ended at each of its layers.",
        subcommands: [LensRead.self, LensTrain.self])
}

struct LensRead: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "read",
        abstract: "Reads a prompt layer by layer: the logit lens, or a tuned one.",
        discussion: """
            Example:
              prism lens read model.gguf --prompt "The capital of France is" --tuned lens.safetensors
            """)

    @Argument(help: ArgumentHelp("A model, or a run of one.", valueName: "model")) var subject: String
    @Option(help: ArgumentHelp("Text to read; the table shows what follows it.", valueName: "text")) var prompt: String
    @Option(help: ArgumentHelp("A lens that `prism lens train` made.", valueName: "file")) var tuned: String?
    @Option(help: ArgumentHelp("Likeliest tokens to show.", valueName: "n")) var top = 4
    @Flag(help: "Print JSON, of all positions.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        var measurement = LensMeasurement(try CausalSubject([subject]))
        measurement.workers = threads.workers
        let found = try measurement.reading(prompt, tuned: tuned.map { URL(filePath: $0) }, top: top)
        if json { return try printJSON(found) }
        printTable(
            ["residual stream", "KL, nats"] + found.rows[0].positions[0].next.indices.map { "\($0 + 1)." },
            found.rows.map { row in
                let last = row.positions.last!
                return [row.hook.name, last.divergence.formatted(.number.precision(.fractionLength(2)))]
                    + last.next.map { "\($0.text) \($0.probability.formatted(.percent.precision(.fractionLength(1))))" }
            })
    }
}

struct LensTrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Tunes a lens: an affine map for each layer to what the last leaves (Belrose et al. 2023).",
        discussion: """
            Measures both lenses on documents that were not trained on.

            Example:
              prism lens train model.gguf --text data/corpus --out lens.safetensors
            """)

    @Argument(help: ArgumentHelp("A model, or a run of one.", valueName: "model")) var subject: String
    @Option(
        parsing: .upToNextOption, help: ArgumentHelp("Text to train and to measure on.", valueName: "file or folder"))
    var text: [String]
    @Option(help: ArgumentHelp("Steps of training, each on 32 positions of a context.", valueName: "n")) var steps = 300
    @Option(help: ArgumentHelp("Tokens to measure on.", valueName: "n")) var measured = 1000
    @Option(help: ArgumentHelp("New safetensors file.", valueName: "file")) var out: String
    @Option(help: ArgumentHelp("Tokens of a context; it begins as the model’s prompts do.", valueName: "n"))
    var context = 128
    @Option(help: ArgumentHelp("Seed of everything random; equal seeds give equal bytes.", valueName: "n"))
    var seed: UInt64 = 0
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func validate() throws {
        guard steps > 0, measured > 0 else { throw ValidationError("steps and tokens must be positive") }
    }

    func run() throws {
        Interrupt.install()
        try Files.requireFree(URL(filePath: out))
        var measurement = LensMeasurement(try CausalSubject([subject]))
        measurement.workers = threads.workers
        let found = try measurement.train(
            text: text.map { URL(filePath: $0) }, context: context, steps: steps, measured: measured, seed: seed,
            to: URL(filePath: out))
        if json { return try printJSON(found) }
        print("KL(model ‖ lens) in nats, on documents that were not trained on")
        printTable(
            ["residual stream", "logit lens", "tuned lens"],
            found.map { row in
                [row.hook.name]
                    + [row.logitLens, row.tunedLens].map {
                        $0.value.formatted(.number.precision(.fractionLength(3)))
                    }
            })
    }
}
