import ArgumentParser
import Foundation
import PrismCausal
import PrismCore
import PrismMetrics

struct DirectionsAnalogies: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "analogies",
        abstract: "Scores a file of analogies by category, beside the controls, with 95% intervals.",
        discussion: """
            The file is one of word2vec's form: a line ‘: category’, then lines of four words. Questions are used whose words \
            are all single tokens.
            """)

    @OptionGroup var subject: DirectionsSubject
    @Argument(help: ArgumentHelp("Such as questions-words.txt.", valueName: "file")) var file: String
    @OptionGroup var vocabulary: VocabularyOptions

    func run() throws {
        let scores = try subject.opened().scores(
            onAnalogiesIn: URL(filePath: file), in: vocabulary.space, isCentred: !vocabulary.uncentred)
        if subject.json { return try printJSON(scores) }
        printTable(
            ["category", "usable", "pairs"] + AnalogyMethod.allCases.map(\.label) + ["answers an input"],
            scores.map { score in
                [score.category ?? "all", "\(score.usable)/\(score.questions)", "\(score.pairs)"]
                    + AnalogyMethod.allCases.map { percent(score.accuracy[$0]!) }
                    + [score.answersInput.map { String(format: "%.1f%%", 100 * $0) } ?? "–"]
            })
    }

    /// Nothing where there is no question, no interval where there are too few.
    private func percent(_ share: Estimate) -> String {
        share.text("%.1f", scale: 100) + (share.value.isNaN ? "" : "%")
    }
}
