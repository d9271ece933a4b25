import ArgumentParser

struct CircuitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "circuit",
        abstract: "Finds which parts of a model, and which paths between them, make it answer as it does.",
<<<<<<< HEAD
        subcommands: [CircuitFeatures.self, CircuitSelectivity.self])
=======
        subcommands: [CircuitGraph.self])
>>>>>>> 91395e8df6e8f5bce5c1a5fa0bbcb6e8ee818709
}
