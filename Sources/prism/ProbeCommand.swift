import ArgumentParser
import Foundation
import PrismCore
import PrismRuns
import PrismSpectrum

struct ProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "probe",
        abstract: "Measures what few latents tell, and whether taking them away hits one thing alone.",
        discussion: """
            Takes a run and probes its dictionary for what the text itself carries: languages, programming languages, \
            sources, quotes, masked words of praise and blame, first letters, senses of words. Sparse probing, targeted \
            probe perturbation, spurious correlation removal, absorption, word senses and RAVEL's form, with neurons and \
            a dictionary of shuffled weights beside the latents. With --activations and --labels it takes a dictionary \
            and vectors of your own: one whole number each for its class, or two labels of 0 and 1.

            Examples:
              prism probe runs/books --out runs/books-probes
              prism probe runs/books/dictionary --activations vectors.npy --labels labels.npy --out runs/own
            """)

    @Argument(
        help: ArgumentHelp("Folder of a run, or with --activations a dictionary.", valueName: "run or dictionary"))
    var subject: String
    @Option(help: ArgumentHelp("An .npy matrix [vectors, width] to probe.", valueName: "file")) var activations: String?
    @Option(help: ArgumentHelp("Its labels, .npy, [vectors] or [vectors, 2].", valueName: "file")) var labels: String?
    @Option(help: ArgumentHelp("Contexts to look for examples in, as many of each source.", valueName: "n"))
    var texts = 16_000
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "How a sparse probe's units are chosen: \(UnitRanking.allCases.map(\.rawValue).joined(separator: ", ")). (default: all)",
            valueName: "ranking"))
    var rankings: [UnitRanking] = []
    @Option(help: ArgumentHelp("Which of a run's dictionaries. (default: its only one)", valueName: "name"))
    var dictionary: String?
    @Option(help: ArgumentHelp("New folder for the numbers and report.html.", valueName: "folder"))
    var out: String
    @Option(help: ArgumentHelp("Seed of the draws and of the control.", valueName: "n")) var seed: UInt64 = 0
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        Interrupt.install()
        guard (activations == nil) == (labels == nil) else {
            throw PrismError.usage("--activations and --labels go together: vectors, and what each of them is")
        }
        guard texts > 0 else { throw PrismError.usage("texts must be positive, not \(texts)") }
        var options = ProbeMeasurement.Options()
        (options.texts, options.dictionary, options.seed) = (texts, dictionary, seed)
        // The mean difference is what the other parts and the charts are made of.
        if !rankings.isEmpty { options.rankings = [.meanDifference] + rankings.filter { $0 != .meanDifference } }
        let measurement = ProbeMeasurement(options, workers: threads.workers)
        let folder = URL(filePath: out)
        try Files.createOutput(folder)
        let report =
            if let activations, let labels {
                try measurement.report(
                    dictionary: URL(filePath: subject), vectors: URL(filePath: activations),
                    labels: URL(filePath: labels))
            } else {
                try measurement.report(of: try Run(URL(filePath: subject)))
            }
        try report.write(to: folder)
        if json { return try printJSON(report.record) }
        let table = report.summaryRows
        printTable(table.columns, table.rows)
        print("\nThe report is \(folder.appending(path: "report.html").path)")
    }
}

extension UnitRanking: ExpressibleByArgument {}
