import ArgumentParser
import PrismCore
import PrismRuns

struct DirectionsNear: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "near",
        abstract: "Lists the tokens nearest to a model's token, or the latents nearest to a run's latent, by cosine.")

    @OptionGroup var subject: DirectionsSubject
    @Argument(help: ArgumentHelp("A word; of a run a latent's number.", valueName: "word or latent")) var name: String
    @OptionGroup var vocabulary: VocabularyOptions
    @Option(help: ArgumentHelp("How many to list.", valueName: "n")) var count = 10

    func validate() throws {
        guard count > 0 else { throw ValidationError("how many to list must be positive, not \(count)") }
    }

    func run() throws {
        let opened = try subject.opened()
        let found: [DirectionMeasurement.Named]
        if opened.hasLatents {
            guard let latent = Int(name) else {
                throw PrismError.usage("a run has latents, and ‘\(name)’ is no number; for words name its model")
            }
            found = try opened.nearest(toLatent: latent, count: count)
        } else {
            found = try opened.nearest(
                toWord: name, in: vocabulary.space, isCentred: !vocabulary.uncentred, count: count)
        }
        if subject.json { return try printJSON(found) }
        printTable(["", "number", "cosine"], found.map { [$0.name, "\($0.row)", $0.cosine.cosine] })
    }
}
