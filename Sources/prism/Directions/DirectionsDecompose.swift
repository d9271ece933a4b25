import ArgumentParser
import Foundation
import PrismCausal
import PrismCore
import PrismFormats
import PrismTensor

struct DirectionsDecompose: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decompose",
        abstract: "Finds the latents of a run that a concept's direction is composed of, and how much they leave.",
        discussion: """
            The direction is the mean activation of texts that have the concept, at their last token, minus that of texts \
            that have not. A side is a file of one text a line, or texts themselves, taken as they are: ' king' is the word \
            inside a text.
            """)

    @OptionGroup var subject: DirectionsSubject
    @Option(parsing: .upToNextOption, help: ArgumentHelp("Texts that have the concept.", valueName: "file or text"))
    var positive: [String]
    @Option(parsing: .upToNextOption, help: ArgumentHelp("Texts that have not.", valueName: "file or text"))
    var negative: [String]
    @Option(help: ArgumentHelp("The most latents.", valueName: "n")) var count = 16
    @Option(help: ArgumentHelp("Seed of the shuffles that chance draws.", valueName: "n")) var seed: UInt64 = 0

    @Option(help: ArgumentHelp("File for the direction, as --direction of `prism steer` reads it.", valueName: "npy"))
    var out: String?

    private struct Output: Encodable {
        let decomposition: DirectionDecomposition
        /// Of the components, what they are most active on.
        let names: [String]
    }

    func run() throws {
        let opened = try subject.opened()
        let (found, direction) = try opened.decomposition(
            positive: texts(positive), negative: texts(negative), count: count, seed: seed)
        if let out { try NpyFile.write(Tensor(shape: [direction.count], direction.values), to: URL(filePath: out)) }
        let names = try found.components.map { try opened.name(ofLatent: $0.latent) }
        if subject.json { return try printJSON(Output(decomposition: found, names: names)) }
        print(
            "\(found.positiveTexts) texts with the concept, \(found.negativeTexts) without; "
                + String(format: "‖v‖ = %.2f (shuffled texts: %.2f)", found.norm, found.shuffledNorm))
        print(
            "all \(found.activeLatents) latents that are active on them leave \(percent(found.encoderResidual)) of ‖v‖\n"
        )
        printTable(
            ["latents", "left of ‖v‖", "of shuffled texts"],
            found.steps.map {
                [
                    "\($0.latents)", percent($0.residual),
                    percent($0.shuffledResidual),
                ]
            })
        print()
        printTable(
            ["latent", "coefficient", "difference of activation", "most active on"],
            zip(found.components, names).map { component, name in
                [
                    "\(component.latent)", String(format: "%.3f", component.coefficient),
                    String(format: "%.3f", component.activationDifference), name,
                ]
            })
    }

    private func percent(_ share: Double) -> String { String(format: "%.1f%%", 100 * share) }

    /// The lines of a file, or the texts themselves.
    private func texts(_ values: [String]) throws -> [String] {
        guard values.count == 1, FileManager.default.fileExists(atPath: values[0]) else { return values }
        return String(decoding: try Files.read(URL(filePath: values[0])), as: UTF8.self)
            .split(whereSeparator: \.isNewline).map(String.init)
    }
}
