import ArgumentParser
import Foundation
import PrismActivations
import PrismDictionaries
import PrismMetrics
import PrismRuns
import PrismCore

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measures a run's dictionaries on the text (or vectors) that it was not trained on.",
        discussion: """
            Every figure comes with its 95% interval, from resampling contexts: a value, a low and a high end.

            Example:
              prism evaluate runs/books --json
            """)

    @Argument(help: ArgumentHelp("Folder of a run that `prism discover` made.", valueName: "run")) var folder: String
    @Option(help: ArgumentHelp("Held-out vectors to measure on. (default: the run's own number)", valueName: "n"))
    var tokens: Int?
    @Option(
        help: ArgumentHelp(
            "Folder of known features that `prism synth` wrote, to compare with. (default: what the run was trained on, if it is such a folder)",
            valueName: "folder"))
    var truth: String?
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        Interrupt.install()
        if let tokens, tokens <= 0 { throw PrismError.usage("tokens must be positive, not \(tokens)") }
        let results = try Run(URL(filePath: folder)).evaluate(
            tokens: tokens, truth: truth.map { URL(filePath: $0) }, workers: threads.workers)
        if json {
            let outputs = results.map { member, evaluation in
                Output(
                    name: member.configuration.name, metrics: evaluation.metrics, tokens: evaluation.tokens,
                    contexts: evaluation.contexts)
            }
            try outputs.count == 1 ? printJSON(outputs[0]) : printJSON(outputs)
            return
        }
        for (member, evaluation) in results {
            if results.count > 1 { print("\n\(member.configuration.name)") }
            print(
                "held-out: \(evaluation.tokens) vectors in \(evaluation.contexts) contexts; 95% intervals over contexts\n"
            )
            for name in Evaluation.order {
                guard let metric = evaluation.metrics[name] else { continue }
                let interval = String(format: "%10.4f   %9.4f … %.4f", metric.value, metric.low, metric.high)
                print(name.padding(toLength: 22, withPad: " ", startingAt: 0) + interval)
            }
        }
    }

    /// The metrics as top-level members, beside the numbers of tokens and contexts, and the name if there are several.
    private struct Output: Encodable {
        let name: String
        let metrics: [String: Estimate]
        let tokens, contexts: Int

        func encode(to encoder: Encoder) throws {
            try metrics.encode(to: encoder)
            var container = encoder.container(keyedBy: Name.self)
            if !name.isEmpty { try container.encode(name, forKey: Name(stringValue: "name")) }
            try container.encode(tokens, forKey: Name(stringValue: "tokens"))
            try container.encode(contexts, forKey: Name(stringValue: "contexts"))
        }

        private struct Name: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }
    }
}
