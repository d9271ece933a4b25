import ArgumentParser
import PrismCausal
import PrismRuns

struct DirectionsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "directions",
        abstract: "Asks what directions mean: of tokens, of latents, of concepts by difference of means.",
        discussion: """
            A word is looked up as it stands inside a text, behind a space, and must be a single token.

            Examples:
              prism directions near model.gguf king
              prism directions near runs/books 1234
              prism directions analogy model.gguf man woman king
              prism directions analogies model.gguf questions-words.txt
              prism directions axis model.gguf he she --words doctor nurse
              prism directions orthogonality model.gguf questions-words.txt --hook blocks.15.hook_resid_post
              prism directions decompose runs/books --positive french.txt --negative english.txt
            """,
        subcommands: [
            DirectionsNear.self, DirectionsAnalogy.self, DirectionsAnalogies.self, DirectionsAxis.self,
            DirectionsOrthogonality.self, DirectionsDecompose.self,
        ])
}

/// What every question takes.
struct DirectionsSubject: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "A model, or a run (run:dictionary for one of several) for its dictionary and its model.",
            valueName: "model or run"))
    var subject: String
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func opened() throws -> DirectionMeasurement { try DirectionMeasurement(subject, workers: threads.workers) }
}

/// Which rows of a model stand for its tokens.
struct VocabularyOptions: ParsableArguments {
    @Option(help: "The tokens' rows: what they put into the residual stream, or what there raises their logits.")
    var space = VocabularySpace.embedding
    @Flag(help: "Compare the rows as they are, with the mean over the vocabulary left in.") var uncentred = false
}

extension VocabularySpace: ExpressibleByArgument {}

extension Float {
    /// Of a cosine, as tables show it.
    var cosine: String { String(format: "%.3f", self) }
}
