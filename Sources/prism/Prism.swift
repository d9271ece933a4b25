import ArgumentParser
import Foundation
import PrismCore

@main
struct Prism: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prism",
        abstract: "Takes a neural network's activations apart into features that each mean one thing.",
        subcommands: [BenchCommand.self])

    /// Errors of Prism's own become one sentence on standard error and their exit status; the rest is ArgumentParser's.
    static func main() {
        Interrupt.install()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error as PrismError {
            FileHandle.standardError.write(Data("prism: \(error.message)\n".utf8))
            Foundation.exit(error.exitStatus)
        } catch {
            exit(withError: error)
        }
    }
}
