import ArgumentParser
import Foundation
import PrismCore
import PrismRuns
import PrismTensor

struct DiscoverCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "discover",
        abstract: "Finds the features in a model's activations: harvests, trains a dictionary, evaluates it, explains it.",
        discussion: """
            Examples:
              prism discover model.gguf --text books code --hook blocks.15.hook_resid_post --out runs/books
              prism discover --activations vectors.npy --latents 2048 --out runs/vectors
              prism discover --resume runs/books

            The run's folder holds the dictionary (SAELens opens it as it is), the evaluation on held-out text, the atlas \
            of latents and report.html. Ctrl-C stops at a checkpoint; --resume goes on, with the same result.
            """)

    @Argument(help: "A GGUF file or a Hugging Face folder.") var model: String?
    @Option(parsing: .upToNextOption, help: "Files and folders of text; a file's folder is its source.") var text: [String] = []
    @Option(help: "An .npy matrix or a harvested folder, instead of a model.") var activations: String?
    @Option(help: "Hook point to take apart.") var hook = HookPoint.residualPost(layer: 15)
    @Option(help: "Folder of the run; must not exist.") var out: String?
    @Option(help: "Go on with a run that was stopped.") var resume: String?
    @Option(help: "Different vectors to train on.") var tokens = DiscoveryConfiguration().tokens
    @Option(help: "How often each vector is used.") var passes = DiscoveryConfiguration().passes
    @Option(help: "Latents of the dictionary.") var latents = DiscoveryConfiguration().training.latents
    @Option(help: "Latents active per vector.") var k = DiscoveryConfiguration().training.k
    @Option(help: "Vectors in a step.") var batch = DiscoveryConfiguration().training.batch
    @Option(help: "Peak learning rate; 2e-4 / sqrt(latents / 16384) by default.") var learningRate: Float?
    @Option(help: "Vectors in the shuffle buffer.") var buffer = DiscoveryConfiguration().buffer
    @Option(help: "Latent selection in training: fp32 (certain) or bf16 (faster).")
    var precision = DiscoveryConfiguration().training.precision
    @Option(help: "The model's products: fp32 or bf16.") var modelPrecision = DiscoveryConfiguration().modelPrecision
    @Option(help: "Held-out vectors to evaluate on.") var evaluationTokens = DiscoveryConfiguration().evaluationTokens
    @Option(help: "Vectors to gather examples from.") var atlasTokens = DiscoveryConfiguration().atlasTokens
    @Option(help: "Steps between checkpoints.") var checkpointEvery = DiscoveryConfiguration().training.checkpointEvery
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
            guard model == nil, text.isEmpty, activations == nil, out == nil else {
                throw PrismError.usage("--resume takes everything from the run; give no model, text or --out beside it")
            }
            return try Discovery(resuming: URL(filePath: resume), workers: threads.workers)
        }
        guard let out else { throw PrismError.usage("say where the run shall go: --out runs/name") }
        var configuration = DiscoveryConfiguration()
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
        return try Discovery(configuration, at: URL(filePath: out), workers: threads.workers)
    }
}
