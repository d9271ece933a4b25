import ArgumentParser
import Foundation
import PrismCausal
import PrismCore
import PrismRuns

struct CircuitFeatures: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features",
        abstract: "Finds the latents behind an answer, and tells how much of it they carry by every protocol.",
        discussion: """
            Makes a sparse feature circuit: nodes are the latents of several layers’ autoencoders and their errors, with \
            effects by integrated gradients and edges between them. Neurons stand beside the latents. Every other pair \
            finds the circuit, those between judge it: under zero, mean and resample ablation (resample is the corrupt \
            prompt's own value), of nodes and edges, by position and not.

            Examples:
              prism circuit features runs/books:layer-{5,10,15} --task agreement --out runs/agreement-circuit
              prism circuit features runs/books --pairs own.jsonl --nodes 64 --out runs/own-circuit
            """)

    @Argument(
        help: ArgumentHelp(
            "Runs of autoencoders of one model (folder:name is one of a run’s several, folder alone all of them); or a model and behind it dictionaries of any format, as folder@hook.",
            valueName: "run"))
    var runs: [String]
    @OptionGroup var prompts: PromptOptions
    @Option(help: ArgumentHelp("Nodes of the circuit; also tried are 4 and 16 times as many.", valueName: "n"))
    var nodes = FeatureCircuitMeasurement.Options().nodes
    @Option(help: ArgumentHelp("Steps of the integrated gradients.", valueName: "n"))
    var steps = FeatureCircuitMeasurement.Options().steps
    @Option(help: ArgumentHelp("New folder for the numbers and report.html.", valueName: "folder"))
    var out: String
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        Interrupt.install()
        guard nodes > 0, steps > 0 else { throw PrismError.usage("nodes and steps must be positive") }
        var options = FeatureCircuitMeasurement.Options()
        (options.nodes, options.steps) = (nodes, steps)
        let folder = URL(filePath: out)
        let source = try prompts.source()
        try Files.createOutput(folder)
        let report = try FeatureCircuitMeasurement(options, workers: threads.workers).report(of: runs, on: source)
        try report.write(to: folder)
        if json { return try printJSON(report) }
        for table in [report.nodeRows, report.curveRows] {
            printTable(table.columns, table.rows)
            print()
        }
        print("\(report.pairs):")
        print(report.sentences.joined(separator: "\n"))
        print("\nThe report is \(folder.appending(path: "report.html").path)")
    }
}
