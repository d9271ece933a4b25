import ArgumentParser
import Foundation
import PrismCausal
import PrismCore

struct DirectionsOrthogonality: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orthogonality",
        abstract: "Compares the directions of concepts with each other, and with what chance gives.",
        discussion: """
            A file of analogies names the concepts: each category is the difference between the means of its pairs' second \
            and first words.
            """)

    @OptionGroup var subject: DirectionsSubject
    @Argument(help: ArgumentHelp("Such as questions-words.txt.", valueName: "file")) var file: String
    @Option(help: "The tokens' rows: what they put into the residual stream, or what there raises their logits.")
    var space: VocabularySpace?
    @Option(
        help: ArgumentHelp("Take the words' activations at this hook point instead.", valueName: "name"),
        transform: { try HookPoint($0) })
    var hook: HookPoint?
    @Option(help: ArgumentHelp("Seed of the signs that chance draws.", valueName: "n")) var seed: UInt64 = 0

    func run() throws {
        guard space == nil || hook == nil else {
            throw PrismError.usage("--hook takes activations, --space the tokens' own rows; give one of them")
        }
        let found = try subject.opened().geometry(
            ofConceptsIn: URL(filePath: file), in: space ?? .embedding, at: hook, seed: seed)
        if subject.json { return try printJSON(found) }
        func two(_ number: Double) -> String { String(format: "%.2f", number) }
        let numbers = found.concepts.indices.map { "\($0 + 1)" }
        printTable(
            ["concept", "pairs", "consistency", "pairs mixed"] + numbers,
            found.concepts.enumerated().map { k, concept in
                [
                    "\(k + 1) \(concept.name)", "\(concept.pairs)", two(concept.consistency),
                    two(concept.mixedConsistency),
                ]
                    + found.cosines[k].map(two)
            })
        print()
        printTable(
            ["|cos| of different concepts", "mean", "95% below"],
            [
                ["measured", String(format: "%.3f", found.meanAbsoluteCosine), ""],
                row("the same vectors, signs at random", found.flipped), row("random directions", found.random),
            ])
    }

    private func row(_ name: String, _ chance: ConceptGeometry.Chance) -> [String] {
        [name, String(format: "%.3f", chance.mean), String(format: "%.3f", chance.high)]
    }
}
