import ArgumentParser
import Foundation
import PrismActivations
import PrismCore
import PrismTensor

extension Precision: ExpressibleByArgument {}

extension HookPoint: ExpressibleByArgument {
    public init?(argument: String) { try? self.init(argument) }
}

struct ThreadOption: ParsableArguments {
    @Option(help: "Threads; all processors by default. Results do not depend on it.")
    var threads = ProcessInfo.processInfo.activeProcessorCount

    var workers: Workers { Workers(count: max(1, threads)) }
}

struct ContextOptions: ParsableArguments {
    @Option(help: "Tokens in a context, the BOS included.") var context = 128
    @Flag(help: "Begin contexts without the tokenizer's BOS.") var noBos = false
    @Option(help: "Share of the documents that training never sees.") var heldOut = 0.1
    @Option(help: "Seed of everything random.") var seed: UInt64 = 0

    var configuration: ContextConfiguration {
        var result = ContextConfiguration()
        (result.length, result.prependBOS, result.heldOutShare, result.seed) = (context, !noBos, heldOut, seed)
        return result
    }
}

/// Prints a value as JSON on standard output.
func printJSON(_ value: some Encodable) throws {
    print(String(decoding: try JSONEncoder.prism.encode(value), as: UTF8.self))
}
