import ArgumentParser

struct DirectionsAxis: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "axis",
        abstract: "Says where words fall between two others: their cosine with the axis from the first to the second.")

    @OptionGroup var subject: DirectionsSubject
    @Argument(help: "The word that the axis begins at.") var beginning: String
    @Argument(help: "The word that it ends at.") var end: String
    @Option(parsing: .upToNextOption, help: ArgumentHelp("Words to project.", valueName: "word")) var words: [String]
    @OptionGroup var vocabulary: VocabularyOptions

    func run() throws {
        let found = try subject.opened().projections(
            of: words, from: beginning, to: end, in: vocabulary.space, isCentred: !vocabulary.uncentred)
        if subject.json { return try printJSON(found) }
        printTable(
            ["", "cosine", "tokens before it"],
            found.map { [$0.word, $0.cosine.cosine, String(format: "%.1f%%", 100 * $0.share)] })
    }
}
