import ArgumentParser
import Foundation
import PrismCore
import PrismRuns

struct CircuitSelectivity: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "selectivity",
        abstract: "Takes latents and neurons away, one at a time, and counts the features that change.",
        discussion: """
            The latents are the first run’s, the neurons those of its hook point. Every run named tells what changes: give \
            a dictionary of other training beside the first, or one of a later layer, since a dictionary is no neutral \
            judge of its own latents.

            Example:
              prism circuit selectivity runs/one-layer/dictionaries:latents-4096 runs/one-layer/dictionaries:latents-512 --out runs/selectivity
            """)

    @Argument(
        help: ArgumentHelp(
            "Runs of one model (folder:name is one of a run’s several, folder alone all of them); or a model and behind it dictionaries of any format, as folder@hook.",
            valueName: "run"))
    var runs: [String]
    @Option(help: ArgumentHelp("Latents, and as many neurons, to take away.", valueName: "n"))
    var units = SelectivityMeasurement.Options().units
    @Option(help: ArgumentHelp("Held-out tokens to take them away from.", valueName: "n"))
    var tokens = SelectivityMeasurement.Options().tokens
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Text to read instead of the run’s held-out text.", valueName: "file or folder"))
    var text: [String] = []
    @Option(help: ArgumentHelp("New folder for the numbers and report.html.", valueName: "folder"))
    var out: String
    @Option(help: ArgumentHelp("Seed of the draw of units.", valueName: "n")) var seed: UInt64 = 0
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        Interrupt.install()
        guard units > 0, tokens > 0 else { throw PrismError.usage("units and tokens must be positive") }
        var options = SelectivityMeasurement.Options()
        (options.units, options.tokens, options.text, options.seed) = (units, tokens, text, seed)
        let folder = URL(filePath: out)
        try Files.createOutput(folder)
        let report = try SelectivityMeasurement(options, workers: threads.workers).report(of: runs)
        try report.write(to: folder)
        if json { return try printJSON(report) }
        for table in [report.summaryRows, report.matchedRows] {
            printTable(table.columns, table.rows)
            print()
        }
        print("The report is \(folder.appending(path: "report.html").path)")
    }
}
