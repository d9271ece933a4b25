import ArgumentParser
import Foundation
import PrismCore
import PrismRuns
import PrismTensor

struct DiscoverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discover",
        abstract:
            "Finds the features in a model's activations, or in any matrix of vectors, and writes a report on them.",
        discussion: """
            Reads text with the model, trains a dictionary of features on its activations, measures it on text held \
            back, and gathers what makes each feature active.

            Examples:
              prism discover model.gguf --text books code --hook blocks.15.hook_resid_post --out runs/books
              prism discover --activations vectors.npy --latents 2048 --out runs/vectors
              prism discover --resume runs/books

            The run's folder holds report.html to open in a browser, the dictionary (SAELens opens it as it is), \
            evaluation.json and atlas.sqlite with everything about each latent. Ctrl-C stops at a checkpoint; --resume \
            goes on, and ends with the same bytes.
            """)

    private static let standard = DiscoveryConfiguration()

    @Argument(help: "The model: a GGUF file or a Hugging Face folder.") var model: String?
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Files and folders of text for the model to read; a file's folder names its source.", valueName: "path"))
    var text: [String] = []
    @Option(
        help: ArgumentHelp(
            "Vectors instead of a model: an .npy matrix [vectors, width], or a folder that `prism harvest` or `prism synth` wrote.",
            valueName: "path"))
    var activations: String?
    @Option(
        help: ArgumentHelp(
            "Where in the model to read; `prism model info` lists the hook points. (default: blocks.15.hook_resid_post)",
            valueName: "name"),
        transform: { try HookPoint($0) })
    var hook = HookPoint.residualPost(layer: 15)
    @Option(help: ArgumentHelp("Folder to make for the run.", valueName: "folder")) var out: String?
    @Option(help: ArgumentHelp("Go on with the stopped run in this folder, with its own options.", valueName: "folder"))
    var resume: String?
    @Option(help: ArgumentHelp("How many different vectors to train on, one per token.", valueName: "n"))
    var tokens = standard.tokens
    @Option(help: ArgumentHelp("How often to use each of them.", valueName: "n")) var passes = standard.passes
    @Option(help: ArgumentHelp("Latents of the dictionary: how many features to look for.", valueName: "n"))
    var latents = standard.training.latents
    @Option(help: ArgumentHelp("Latents that may be active at a time.", valueName: "n")) var k = standard.training.k
    @Option(help: ArgumentHelp("Vectors in a training step.", valueName: "n")) var batch = standard.training.batch
    @Option(help: ArgumentHelp("Peak learning rate. (default: 2e-4 / sqrt(latents / 16384))", valueName: "rate"))
    var learningRate: Float?
    @Option(help: ArgumentHelp("The most vectors in the shuffle buffer, which is held in memory.", valueName: "n"))
    var buffer = standard.buffer
    @Option(help: "How training selects latents: fp32 is exact, bf16 faster.")
    var precision = standard.training.precision
    @Option(help: "Number format of the model's products.") var modelPrecision = standard.modelPrecision
    @Option(help: ArgumentHelp("Held-out vectors to measure the dictionary on.", valueName: "n"))
    var evaluationTokens = standard.evaluationTokens
    @Option(help: ArgumentHelp("Vectors to gather examples of the latents from.", valueName: "n"))
    var atlasTokens = standard.atlasTokens
    @Option(help: ArgumentHelp("Steps between checkpoints; 0 writes only the last.", valueName: "n"))
    var checkpointEvery = standard.training.checkpointEvery
    @OptionGroup var contexts: ContextOptions
    @OptionGroup var threads: ThreadOption

    func run() throws {
        Interrupt.install()
        let discovery = try discovery()
        let report = try discovery.finish()
        print(report.path)
    }

    private func discovery() throws -> Discovery {
        if let resume {
            guard configuration == Self.standard, out == nil else {
                throw PrismError.usage(
                    "--resume takes everything from the run; give no other option beside it but --threads")
            }
            return try Discovery(resuming: URL(filePath: resume), workers: threads.workers)
        }
        guard let out else { throw PrismError.usage("say where the run shall go: --out runs/name") }
        return try Discovery(configuration, at: URL(filePath: out), workers: threads.workers)
    }

    private var configuration: DiscoveryConfiguration {
        var configuration = Self.standard
        configuration.model = model
        configuration.text = text
        configuration.activations = activations
        configuration.hook = hook
        configuration.modelPrecision = modelPrecision
        configuration.contexts = contexts.configuration
        configuration.tokens = tokens
        configuration.passes = passes
        configuration.buffer = buffer
        configuration.evaluationTokens = evaluationTokens
        configuration.atlasTokens = atlasTokens
        configuration.training.latents = latents
        configuration.training.k = k
        configuration.training.batch = batch
        configuration.training.learningRate = learningRate
        configuration.training.precision = precision
        configuration.training.checkpointEvery = checkpointEvery
        return configuration
    }
}
