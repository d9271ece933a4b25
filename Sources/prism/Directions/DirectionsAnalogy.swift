import ArgumentParser
import PrismCausal

struct DirectionsAnalogy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "analogy",
        abstract: "Asks “a is to a* as b is to what?” by the offset a* − a + b, beside what b's neighbours alone give.",
        discussion: "So `man woman king` asks for V(king) − V(man) + V(woman).")

    @OptionGroup var subject: DirectionsSubject
    @Argument(help: "A word.") var a: String
    @Argument(help: ArgumentHelp("What it is to this word …", valueName: "a*")) var aStar: String
    @Argument(help: "… this word is to the answer.") var b: String
    @OptionGroup var vocabulary: VocabularyOptions
    @Option(help: ArgumentHelp("How many answers to list.", valueName: "n")) var count = 5

    func validate() throws {
        guard count > 0 else { throw ValidationError("how many to list must be positive, not \(count)") }
    }

    func run() throws {
        let answers = try subject.opened().analogy(
            a: a, aStar: aStar, b: b, in: vocabulary.space, isCentred: !vocabulary.uncentred, count: count)
        if subject.json { return try printJSON(answers) }
        for method in AnalogyMethod.allCases {
            print(method.label)
            printTable(["", "cosine"], answers[method]!.map { [$0.name, $0.cosine.cosine] })
            print()
        }
    }
}

extension AnalogyMethod {
    var label: String {
        switch self {
        case .offset: "a* − a + b"
        case .offsetOfAll: "a* − a + b, inputs allowed"
        case .onlyB: "b alone"
        case .opposite: "a − a* + b"
        }
    }
}
