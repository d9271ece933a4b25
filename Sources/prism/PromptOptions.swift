import ArgumentParser
import Foundation
import PrismCausal
import PrismCore
import PrismRuns

/// Pairs of prompts, of a task or a user's.
struct PromptOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Pairs from templates: \(PatchingTask.all.map(\.name).joined(separator: ", ")).", valueName: "task"))
    var task: String?
    @Option(
        help: ArgumentHelp("Pairs of your own, JSON lines with clean, corrupt, answer and foil.", valueName: "file"))
    var pairs: String?
    @Option(help: ArgumentHelp("Pairs to draw from a task.", valueName: "n")) var count = 80
    @Option(help: ArgumentHelp("Seed of the draw of pairs.", valueName: "n")) var seed: UInt64 = 0

    /// - Throws: `PrismError.usage` if there is none, or both.
    func source() throws -> PromptSource {
        guard (task == nil) != (pairs == nil) else {
            throw PrismError.usage("give pairs of prompts: --task with a name, or --pairs with a file")
        }
        guard count > 0 else { throw PrismError.usage("count must be positive, not \(count)") }
        if let pairs { return .file(URL(filePath: pairs)) }
        return .task(try PatchingTask(task!), count: count, seed: seed)
    }
}
