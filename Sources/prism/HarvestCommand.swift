import ArgumentParser
import Foundation
import PrismActivations
import PrismCore
import PrismModels
import PrismTensor

struct HarvestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "harvest",
        abstract: "Writes a model's activations at a hook point to disk, as safetensors shards with a manifest.",
        discussion: """
            Example:
              prism harvest model.gguf --text books --hook blocks.15.hook_resid_post --tokens 1000000 --out vectors

            Train on the folder with: prism discover --activations vectors --out runs/name
            """)

    @Argument(help: "A GGUF file or a Hugging Face folder.") var model: String
    @Option(parsing: .upToNextOption, help: "Files and folders of text.") var text: [String]
    @Option(help: "Hook point to read.") var hook = HookPoint.residualPost(layer: 15)
    @Option(help: "Vectors to write.") var tokens = 1_000_000
    @Option(help: "Folder to write; must not exist.") var out: String
    @Option(help: "The model's products: fp32 or bf16.") var precision = Precision.fp32
    @Option(help: "Tokens in a context, the BOS included.") var context = 128
    @Flag(help: "Begin contexts without the tokenizer's BOS.") var noBos = false
    @Option(help: "Seed of the draw of contexts.") var seed: UInt64 = 0
    @OptionGroup var threads: ThreadOption

    func run() throws {
        Interrupt.install()
        guard tokens > 0 else { throw PrismError.usage("tokens must be positive, not \(tokens)") }
        let url = URL(filePath: model)
        let transformer = try Transformer(loading: url, precision: precision, backend: CPUBackend())
        var configuration = ContextConfiguration()
        // The split into training and held-out documents is made by whoever trains on the folder.
        (configuration.length, configuration.prependBOS, configuration.heldOutShare, configuration.seed) = (context, !noBos, 0, seed)
        try configuration.validate(modelContext: transformer.configuration.contextLength)
        _ = try transformer.run(ForwardRequest(contexts: [], capture: [hook]))
        let corpus = try Corpus(paths: text.map { URL(filePath: $0) })
        let contexts = try TokenContexts(
            corpus, tokenizer: try Tokenizer(loading: url), configuration, trainingTokens: tokens, heldOutTokens: 0)
        let source = ModelActivations(transformer, hook: hook, contexts: contexts.training)
        let folder = URL(filePath: out)
        try ActivationHarvest(source, limit: tokens).write(
            to: folder,
            HarvestManifest(
                modelDigest: try transformer.digest(), model: url.deletingPathExtension().lastPathComponent, hook: hook,
                contexts: configuration, documents: corpus.documents), workers: threads.workers)
        print(folder.path)
    }
}
