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
              prism ablate model.gguf --head 9:6,10:0 --with mean --prompt "…"
              prism ablate runs/books --latent 1234 --with "The capital of Spain is" --prompt "The capital of France is"
              prism ablate runs/books --edits edits.yaml --prompt "…"
            """)

    @OptionGroup var options: EditOptions
    @Option(
        help: ArgumentHelp(
            "What stands in their place: zero, mean (over the run's held-out text), resample (drawn from it), or another prompt, whose values at the same positions are taken.",
            valueName: "what"))
    var with = "zero"
    @Option(help: ArgumentHelp("A YAML file of edits, instead of units.", valueName: "file")) var edits: String?

    func run() throws {
        if let edits {
            guard !options.namesUnits else {
                throw PrismError.usage("--edits names the units itself; give either it or units on the command line")
            }
            return try options.compare(EditFile.read(URL(filePath: edits)))
        }
        let change = (try? Edit.Change(ablation: with)) ?? .replace(prompt: with)
        if with.allSatisfy(\.isLetter), case .replace = change { _ = try Edit.Change(ablation: with) }
        try options.compare(options.edits(change))
    }
}
