import ArgumentParser
import Foundation
import PrismCore
import PrismDictionaries
import PrismModels
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
              prism discover model.gguf --text books code --out runs/books
              prism discover model.gguf --text books code --oversample 'code*=4' --out runs/code
              prism discover --text books code --out runs/one-layer
              prism discover --activations vectors.npy --latents 2048 --out runs/vectors
              prism discover --config sweep.yaml --out runs/sweep
              prism discover --resume runs/books

            The run's folder holds report.html to open in a browser, the dictionary (SAELens opens it as it is), \
            evaluation.json and atlas.sqlite with everything about each latent. Ctrl-C stops at a checkpoint; --resume \
            goes on, and ends with the same bytes.
            """)

    private static let standard = DiscoveryConfiguration()
    private static let training = TrainingConfiguration()

    @Argument(
        help:
            "The model: a GGUF file or a Hugging Face folder. Without it, one-layer, which comes with Prism, is taken."
    )
    var model: String?
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
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Where in the model to read; `prism model info` lists the hook points; several make a crosscoder. (default: blocks.15.hook_resid_post; of one-layer blocks.0.mlp.hook_post)",
            valueName: "name"),
        transform: { try HookPoint($0) })
    var hook: [HookPoint] = []
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("For a transcoder: where in the model to write instead.", valueName: "name"),
        transform: { try HookPoint($0) })
    var target: [HookPoint] = []
    @Option(
        help: ArgumentHelp(
            "A YAML file with these settings and all others, and with `sweep:` for several dictionaries at once.",
            valueName: "file"))
    var config: String?
    @Option(help: ArgumentHelp("Folder to make for the run.", valueName: "folder")) var out: String?
    @Option(help: ArgumentHelp("Go on with the stopped run in this folder, with its own options.", valueName: "folder"))
    var resume: String?
    @Option(help: ArgumentHelp("How many different vectors to train on, one per token.", valueName: "n"))
    var tokens = standard.tokens
    @Option(help: ArgumentHelp("How often to use each of them.", valueName: "n")) var passes = standard.passes
    @Option(help: "What kind of dictionary.") var architecture = training.architecture
    @Option(help: "Fit a baseline instead of training: a dictionary to compare with.") var baseline: Baseline?
    @Option(help: ArgumentHelp("Latents of the dictionary: how many features to look for.", valueName: "n"))
    var latents = training.latents
    @Option(help: ArgumentHelp("Latents that may be active at a time, of architectures that fix it.", valueName: "n"))
    var k = training.k
    @Option(
        help: ArgumentHelp(
            "Weight of the penalty, of architectures that have one. (default: 5; JumpReLU: 1, with a target 20)",
            valueName: "weight"))
    var sparsity: Float?
    @Option(help: ArgumentHelp("JumpReLU: the number of active latents to reach.", valueName: "n")) var targetL0: Float?
    @Option(help: ArgumentHelp("Vectors in a training step.", valueName: "n")) var batch = standard.batch
    @Option(help: ArgumentHelp("Peak learning rate. (default: 2e-4 / sqrt(latents / 16384))", valueName: "rate"))
    var learningRate: Float?
    @Option(help: ArgumentHelp("The most vectors in the shuffle buffer, which is held in memory.", valueName: "n"))
    var buffer = standard.buffer
    @Option(help: "How training selects latents: fp32 is exact, bf16 faster.")
    var precision = training.precision
    @Flag(help: "Shuffle the model's weights first: what is found in a model that has learned nothing is a control.")
    var randomModel = false
    @Option(help: "Number format of the model's products.") var modelPrecision = standard.modelPrecision
    @Option(help: ArgumentHelp("Held-out vectors to measure the dictionary on.", valueName: "n"))
    var evaluationTokens = standard.evaluationTokens
    @Option(help: ArgumentHelp("Vectors to gather examples of the latents from.", valueName: "n"))
    var atlasTokens = standard.atlasTokens
    @Option(help: ArgumentHelp("Steps between checkpoints; 0 writes only the last.", valueName: "n"))
    var checkpointEvery = training.checkpointEvery
    @OptionGroup var contexts: ContextOptions
    @OptionGroup var oversample: OversampleOption
    @Flag(help: "Also write what metrics.jsonl holds for TensorBoard, as an event file beside it.") var tensorboard =
        false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        Interrupt.install()
        let discovery = try discovery()
        let report = try discovery.finish()
        print(report.path)
    }

    private func discovery() throws -> Discovery {
        if let resume {
            try refuseOthers("--resume takes everything from the run", beside: "--threads")
            guard out == nil, config == nil else {
                throw PrismError.usage("--resume takes everything from the run; leave --out and --config away")
            }
            return try Discovery(resuming: URL(filePath: resume), workers: threads.workers)
        }
        guard let out else { throw PrismError.usage("say where the run shall go: --out runs/name") }
        if let config { try refuseOthers("\(config) holds the settings", beside: "--out and --threads") }
        let configuration = try config.map { try ConfigurationFile(URL(filePath: $0)).configuration } ?? configuration
        return try Discovery(configuration, at: URL(filePath: out), workers: threads.workers)
    }

    /// Settings come from one place: what is given beside it would be lost silently.
    private func refuseOthers(_ reason: String, beside allowed: String) throws {
        let given = try configuration.differences(from: Self.standard)
        guard given.isEmpty else {
            throw PrismError.usage(
                "\(reason); give no other setting beside it but \(allowed), and not \(given.joined(separator: ", "))")
        }
    }

    private var configuration: DiscoveryConfiguration {
        var configuration = Self.standard
        configuration.model = model ?? (activations == nil && !text.isEmpty ? EmbeddedModel.name : nil)
        configuration.text = text
        configuration.activations = activations
        configuration.modelPrecision = modelPrecision
        configuration.randomModel = randomModel ? true : nil
        configuration.contexts = contexts.configuration
        configuration.contexts.oversample = oversample.oversampling
        configuration.tensorboard = tensorboard
        configuration.tokens = tokens
        configuration.passes = passes
        configuration.batch = batch
        configuration.buffer = buffer
        configuration.evaluationTokens = evaluationTokens
        configuration.atlasTokens = atlasTokens
        var dictionary = DictionaryConfiguration()
        if !hook.isEmpty {
            dictionary.hooks = hook
        } else if configuration.model == EmbeddedModel.name {
            dictionary.hooks = [.neurons(layer: 0)]
        }
        if !target.isEmpty { dictionary.target = target }
        dictionary.baseline = baseline
        dictionary.training.architecture = architecture
        dictionary.training.seed = configuration.contexts.seed
        dictionary.training.latents = latents
        dictionary.training.k = k
        dictionary.training.sparsity = sparsity
        dictionary.training.targetL0 = targetL0
        dictionary.training.learningRate = learningRate
        dictionary.training.precision = precision
        dictionary.training.checkpointEvery = checkpointEvery
        configuration.dictionaries = [dictionary]
        return configuration
    }
}

extension Architecture: ExpressibleByArgument {}
extension Baseline: ExpressibleByArgument {}
