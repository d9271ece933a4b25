import ArgumentParser
import Foundation
import PrismActivations
import PrismCore
import PrismModels
import PrismTensor

struct HarvestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "harvest",
        abstract: "Writes a model's activations at a hook point to disk, to train on or to use elsewhere.",
        discussion: """
            Example:
              prism harvest model.gguf --text books --hook blocks.15.hook_resid_post --tokens 1000000 --out vectors

            The folder then holds shards of safetensors (activations [n, width], and of each vector its token, context, \
            position and document) and manifest.json. Train on it with:
              prism discover --activations vectors --out runs/name

            What is oversampled here trains as it is drawn, and is thinned out again to what the text has before anything \
            is measured.
            """)

    @Argument(help: "The model: a GGUF file or a Hugging Face folder.") var model: String
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Files and folders of text for the model to read.", valueName: "path"))
    var text: [String]
    @Option(
        help: ArgumentHelp(
            "Where in the model to read; `prism model info` lists the hook points. (default: blocks.15.hook_resid_post)",
            valueName: "name"),
        transform: { try HookPoint($0) })
    var hook = HookPoint.residualPost(layer: 15)
    @Option(help: ArgumentHelp("The most vectors to write, one per token.", valueName: "n")) var tokens = 1_000_000
    @Option(help: ArgumentHelp("Folder to make for the shards.", valueName: "folder")) var out: String
    @Option(help: "Number format of the model's products.") var precision = Precision.fp32
    @Option(help: ArgumentHelp("Tokens that the model reads at a time (a context), the BOS included.", valueName: "n"))
    var context = 128
    @Flag(help: "Begin contexts without the tokenizer's BOS (the token that begins a text).") var noBos = false
    @Option(help: ArgumentHelp("Seed of the draw of contexts.", valueName: "n")) var seed: UInt64 = 0
    @OptionGroup var oversample: OversampleOption
    @OptionGroup var threads: ThreadOption

    func run() throws {
        Interrupt.install()
        guard tokens > 0 else { throw PrismError.usage("tokens must be positive, not \(tokens)") }
        let (url, folder) = (EmbeddedModel.url(model), URL(filePath: out))
        try Files.requireFree(folder)
        let transformer = try Transformer(loading: url, precision: precision, backend: CPUBackend())
        var configuration = ContextConfiguration()
        // The split into training and held-out documents is made by whoever trains on the folder.
        (configuration.length, configuration.prependBOS, configuration.heldOutShare, configuration.seed) = (
            context, !noBos, 0, seed
        )
        configuration.oversample = oversample.oversampling
        try configuration.validate(modelContext: transformer.configuration.contextLength)
        _ = try transformer.run(ForwardRequest(contexts: [], capture: [hook]))
        let corpus = try Corpus(paths: text.map { URL(filePath: $0) })
        let contexts = try TokenContexts(
            corpus, tokenizer: try transformer.tokenizer(loading: url), configuration, trainingTokens: tokens,
            heldOutTokens: 0)
        let source = ModelActivations(transformer, hooks: [hook], contexts: contexts.training)
        try ActivationHarvest(source, limit: tokens).write(
            to: folder,
            HarvestManifest(
                modelDigest: try transformer.digest(), model: url.deletingPathExtension().lastPathComponent, hook: hook,
                contexts: configuration, documents: corpus.documents, oversampling: contexts.oversampling),
            workers: threads.workers)
        print(folder.path)
    }
}
