import ArgumentParser
import Foundation
import PrismCausal
import PrismCore

struct AblateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ablate",
        abstract: "Takes latents, neurons, heads or directions away, and shows what the model then says.",
        discussion: """
            What the dictionary does not explain of the activation stays, unless --drop-error. --edits reads changes of any \
            kind, several at once, from a YAML file.

            Examples:
              prism ablate runs/books --latent 1234 --prompt "The capital of France is" --generate 40
              prism ablate model.gguf --head 9:6,10:0 --with mean --text books --prompt "…"
              prism ablate model.gguf gemma-scope@blocks.12.hook_resid_post --latent 1234 --prompt "…"
              prism ablate runs/books --latent 1234 --from "The capital of Spain is" --prompt "The capital of France is"
              prism ablate runs/books --edits edits.yaml --prompt "…"
            """)

    @OptionGroup var options: EditOptions
    @Option(
        help: ArgumentHelp(
            "What stands in their place: zero, mean (over text), or resample (each position's drawn from text). (default: zero)",
            valueName: "what"),
        transform: { try Edit.Change(ablation: $0) })
    var with: Edit.Change?
    @Option(
        help: ArgumentHelp("A prompt whose values at the same positions stand in their place.", valueName: "prompt"))
    var from: String?
    @Option(help: ArgumentHelp("A YAML file of edits, instead of units.", valueName: "file")) var edits: String?

    func validate() throws {
        guard with == nil || from == nil else { throw ValidationError("give --with or --from, not both") }
        guard
            edits == nil
                || !options.namesUnits && with == nil && from == nil && options.at == .all && !options.dropError
        else {
            throw ValidationError("--edits says what is changed, how and where; leave out the options that say so too")
        }
    }

    func run() throws {
        if let edits { return try options.compare(EditFile.read(URL(filePath: edits))) }
        try options.compare(options.edits(from.map { .replace(prompt: $0) } ?? with ?? .zero))
    }
}
