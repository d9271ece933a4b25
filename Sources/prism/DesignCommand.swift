import ArgumentParser
import Foundation
import PrismCore
import PrismLab

struct DesignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "design",
        abstract: "Says how wide a layer must be to hold many sparse features in superposition, and what breaks first.",
        discussion: """
            The features are independent, equally important and uniform in [0, 1] where active; the error is the share of \
            their energy that a trained ReLU output model loses. The answer comes from a theory of interference, \
            calibrated on trained models; where a request leaves what it was validated on, it says so, and --verify trains \
            the answer.

            Examples:
              prism design --features 10000 --density 0.001 --error 0.05
              prism design --features 512 --density 0.01 --error 0.05 --bits 4 --verify --out runs/design
            """)

    @Option(parsing: .unconditional, help: ArgumentHelp("How many features.", valueName: "n")) var features: Int
    @Option(parsing: .unconditional, help: ArgumentHelp("Probability that a feature is active.", valueName: "p"))
    var density: Double
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Share of the features' energy that may be lost.", valueName: "share"))
    var error: Double
    @Option(help: ArgumentHelp("Bits of each weight. (default: fp32)", valueName: "n")) var bits: Int?
    @Flag(help: "Train the answer and say how far the prediction was off.") var verify = false
    @Option(help: ArgumentHelp("Seed of the trainings.", valueName: "n")) var seed: UInt64 = 0
    @Option(help: ArgumentHelp("New folder for report.html and the figure.", valueName: "folder")) var out: String?
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        Interrupt.install()
        let design = try Design(DesignRequest(features: features, density: density, error: error, bits: bits))
        if let out { try Files.createOutput(URL(filePath: out)) }
        var verification: Verification?
        if verify {
            let lab = Lab(seed: seed, workers: threads.workers, label: "verify")
            let seconds = try design.verificationSeconds(in: lab)
            writeToStandardError("training the answer takes about \(duration(seconds))\n")
            verification = try design.verify(in: lab)
        }
        if json {
            try printJSON(Answer(design: design, verification: verification))
        } else {
            for (name, value) in design.facts + (verification.map(design.facts) ?? []) {
                print(name.padding(toLength: 24, withPad: " ", startingAt: 0) + value)
            }
        }
        guard let out else { return }
        try design.writeReport(verification, to: URL(filePath: out))
        if !json { print(URL(filePath: out).appending(path: "report.html").path) }
    }

    private struct Answer: Encodable {
        let design: Design
        let verification: Verification?
    }
}
