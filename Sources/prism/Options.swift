import ArgumentParser
import Foundation
import PrismActivations
import PrismCore
import PrismTensor

extension Precision: ExpressibleByArgument {}

struct ThreadOption: ParsableArguments {
    @Option(help: ArgumentHelp("Threads to work on; the results do not depend on it.", valueName: "n"))
    var threads = ProcessInfo.processInfo.activeProcessorCount

    func validate() throws {
        guard threads > 0 else { throw ValidationError("threads must be positive, not \(threads)") }
    }

    var workers: Workers { Workers(count: threads) }
}

struct ContextOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Tokens that the model reads at a time (a context), the BOS included.", valueName: "n"))
    var context = 128
    @Flag(help: "Begin contexts without the tokenizer's BOS (the token that begins a text).") var noBos = false
    @Option(
        help: ArgumentHelp(
            "Share of the documents, above 0 and below 1, that training never sees and the metrics are measured on.",
            valueName: "share"))
    var heldOut = 0.1
    @Option(help: ArgumentHelp("Seed of everything random; equal seeds give equal bytes.", valueName: "n"))
    var seed: UInt64 = 0

    var configuration: ContextConfiguration {
        var result = ContextConfiguration()
        (result.length, result.prependBOS, result.heldOutShare, result.seed) = (context, !noBos, heldOut, seed)
        return result
    }
}

struct OversampleOption: ParsableArguments {
    @Option(
        name: .customLong("oversample"), parsing: .upToNextOption,
        help: ArgumentHelp(
            "Train more often on some of the text: sources or documents by name, contexts by a regular expression between slashes, each with a weight, as in 'arabic*=4' '/[0-9]{4}/=2'; metrics and examples stay those of the text as it is.",
            valueName: "pattern=weight"),
        transform: { try Oversampling.Rule($0) })
    var rules: [Oversampling.Rule] = []

    var oversampling: Oversampling? { rules.isEmpty ? nil : Oversampling(rules) }
}

/// Prints a value as JSON on standard output.
func printJSON(_ value: some Encodable) throws {
    print(String(decoding: try JSONEncoder.prism.encode(value), as: UTF8.self))
}

/// Columns as wide as what stands in them: the first to the left, the others, which hold numbers, to the right.
func printTable(_ columns: [String], _ rows: [[String]]) {
    // A token may be a line's end, or a tab.
    let rows = rows.map { $0.map { $0.replacing("\n", with: "↵").replacing("\t", with: "⇥") } }
    let widths = columns.indices.map { c in ([columns] + rows).map { $0[c].count }.max() ?? 0 }
    for row in [columns] + rows {
        let cells = row.enumerated().map { c, cell in
            let space = String(repeating: " ", count: widths[c] - cell.count)
            return c == 0 ? cell + space : space + cell
        }
        print(cells.joined(separator: "  "))
    }
}
