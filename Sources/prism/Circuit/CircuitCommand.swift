import ArgumentParser

struct CircuitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "circuit",
        abstract: "Finds which parts of a model, and which paths between them, make it answer as it does.",
        subcommands: [CircuitGraph.self, CircuitFeatures.self, CircuitSelectivity.self])
}
