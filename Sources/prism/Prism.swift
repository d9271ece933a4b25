import ArgumentParser
import Foundation
import PrismCore

@main
struct Prism: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prism",
        abstract: "Takes a neural network's activations apart into features that each mean one thing.",
        discussion: """
            Begin with:
              prism discover models/SmolLM2-135M-Instruct.Q4_1.gguf --text data/corpus --out runs/first

            Results go to standard output, progress to standard error. Exit status: 0 done, 1 the run failed or was \
            stopped, 64 the call is wrong, 65 the data are wrong.
            """,
        version: prismVersion,
        subcommands: [
            DiscoverCommand.self, HarvestCommand.self, EvaluateCommand.self, EncodeCommand.self, ConvertCommand.self,
            SpectrumCommand.self, ProbeCommand.self, AblateCommand.self, SteerCommand.self, EffectsCommand.self,
            PatchCommand.self, AttributeCommand.self, CircuitCommand.self, DirectionsCommand.self, SynthCommand.self,
            LensCommand.self, LabCommand.self, DesignCommand.self, ModelCommand.self, BenchCommand.self,
        ])

    /// Errors of Prism's own and wrong arguments become one sentence on standard error and their exit status; the rest,
    /// help among it, is ArgumentParser's.
    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error as PrismError {
            fail(error.message, error.exitStatus)
        } catch  where exitCode(for: error) == .validationFailure {
            // ArgumentParser gives long lists of choices a line each.
            let sentence = message(for: error).replacing(":\n  - ", with: ": ").replacing("\n  - ", with: ", ")
            fail(sentence + " (see --help)", PrismError.usage("").exitStatus)
        } catch {
            exit(withError: error)
        }
    }

    private static func fail(_ message: String, _ status: Int32) -> Never {
        writeToStandardError("prism: \(message)\n")
        Foundation.exit(status)
    }
}
