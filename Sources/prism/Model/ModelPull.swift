import ArgumentParser
import PrismCore
import PrismHub

struct ModelPull: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Fetches a model from the Hugging Face Hub and prints the folder that it is in.",
        discussion: """
            Takes the configuration, the tokenizer and the safetensors weights, checks them, and keeps them in the cache \
            that Hugging Face's Python tools share: HF_HUB_CACHE, or hub in HF_HOME, or ~/.cache/huggingface/hub. What is \
            there is not fetched again; what was interrupted goes on. Models that are private or gated need a token in \
            HF_TOKEN. Examples:
              prism model info "$(prism model pull HuggingFaceTB/SmolLM2-135M)"
              prism model pull ORG/NAME-GGUF --file NAME.Q4_1.gguf
            """)

    @Argument(
        help: ArgumentHelp(
            "The model; behind an @ a branch, a tag or a full commit hash, else the branch main.",
            valueName: "org/name[@revision]"),
        transform: { try ModelReference($0) })
    var model: ModelReference
    @Option(
        name: .customLong("file"), parsing: .upToNextOption,
        help: ArgumentHelp(
            "Take these files of the repository instead of the usual ones, for example one GGUF file.",
            valueName: "path"))
    var files: [String] = []
    @Option(
        help: ArgumentHelp("The https address of a mirror; otherwise HF_ENDPOINT or the Hub itself.", valueName: "url"))
    var endpoint: String?

    func run() throws {
        let hub = try ModelHub(endpoint: endpoint)
        Interrupt.install()
        print(try hub.pull(model, files: files).path)
    }
}
