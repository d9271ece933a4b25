import ArgumentParser
import Foundation
import PrismCausal
import PrismCore
import PrismRuns

struct CircuitGraph: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "graph",
        abstract: "Traces a prompt through transcoders: which features made which, and the answer.",
        discussion: """
            Makes an attribution graph of each prompt and verifies its strongest edges by taking their sources out of the \
            model. The folder holds report.html, and the graphs as circuit-tracer's front end opens them.

            Examples:
              prism circuit graph runs/transcoders --prompt 'The capital of France is' --out runs/graphs
              prism circuit graph model.gguf layer_9.safetensors@blocks.9.mlp.hook_in,blocks.9.hook_mlp_out --prompt '…' --out runs/graph
              prism circuit graph model.gguf clt-folder --prompt '…' --out runs/graph
              circuit-tracer start-server --graph_file_dir runs/graphs
            """)

    @Argument(
        help: ArgumentHelp(
            "Runs of transcoders of one model (folder:name is one of a run’s several, folder alone all of them); or a model and behind it dictionaries of any format, as folder@hook, or one cross-layer transcoder’s folder.",
            valueName: "run"))
    var runs: [String]
    @Option(help: ArgumentHelp("A text, to be explained at its last token; give several for several graphs."))
    var prompt: [String]
    @Option(help: ArgumentHelp("The most features in a graph before it is pruned.", valueName: "n"))
    var maxFeatures = CircuitGraphs.Options().maxFeatures
    @Option(help: ArgumentHelp("Share of the influence on the answer that nodes are kept for.", valueName: "share"))
    var nodeThreshold = CircuitGraphs.Options().nodeThreshold
    @Option(help: ArgumentHelp("The same for the edges between them.", valueName: "share"))
    var edgeThreshold = CircuitGraphs.Options().edgeThreshold
    @Option(help: ArgumentHelp("Edges to verify by an intervention, those of most influence.", valueName: "n"))
    var verify = CircuitGraphs.Options().verified
    @Option(help: ArgumentHelp("New folder for the graphs and report.html.", valueName: "folder"))
    var out: String
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        Interrupt.install()
        var options = CircuitGraphs.Options()
        (options.maxFeatures, options.verified) = (maxFeatures, verify)
        (options.nodeThreshold, options.edgeThreshold) = (nodeThreshold, edgeThreshold)
        let graphs = try CircuitGraphs(runs, options, workers: threads.workers)
        let folder = URL(filePath: out)
        try Files.createOutput(folder)
        let report = GraphReport(try prompt.map(graphs.trace))
        try report.write(to: folder)
        if json { return try printJSON(report.summaries) }
        report.summaries.forEach(show)
        print("\nThe report is \(folder.appending(path: "report.html").path)")
    }

    private func show(_ summary: GraphSummary) {
        let kept = summary.kept
        print("\n‘\(summary.prompt)’")
        print(
            "  \(summary.active) active features, \(summary.traced) traced; kept \(kept.features) features, \(kept.errors) errors, \(kept.tokens) tokens, \(kept.logits) logits, \(kept.edges) edges"
        )
        print(
            String(
                format:
                    "  replacement score %.3f, completeness score %.3f; edges and biases sum to each value within %.1g",
                summary.scores.replacement, summary.scores.completeness, summary.remainder))
        let (edges, checks) = (summary.edgeRows(20), summary.checkRows)
        printTable(edges.columns, edges.rows)
        print("")
        printTable(checks.columns, checks.rows)
    }
}
