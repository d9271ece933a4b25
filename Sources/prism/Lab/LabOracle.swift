import ArgumentParser
import Foundation
import PrismCore
import PrismLab

struct LabOracle: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "oracle",
        abstract: "Tells from theory alone what a toy model will do with its features.",
        discussion: """
            With one feature more than dimensions, the extra one has the given importance, the others 1. With any other \
            number all importances are 1, and the answer is the best mixture of known shapes.

            Examples:
              prism lab oracle --importance 0.5 --density 0.1 --train
              prism lab oracle --density 0.3 --features 400 --hidden 30
            """)

    @Option(parsing: .unconditional, help: "Importance of the extra feature.") var importance = 1.0
    @Option(parsing: .unconditional, help: "Probability that a feature is active.") var density: Double
    @Option(help: ArgumentHelp("Features of the toy model.", valueName: "n")) var features = 2
    @Option(help: ArgumentHelp("Hidden dimensions.", valueName: "n")) var hidden = 1
    @Flag(help: "Train such a model too, with one feature more than dimensions: the best of 8.") var train = false
    @OptionGroup var threads: ThreadOption
    @Flag(help: "Print as JSON.") var json = false

    func run() throws {
        if features == hidden + 1, hidden > 0 { return try phases() }
        guard !train else { throw PrismError.usage("--train is for one feature more than dimensions; leave it out") }
        guard importance == 1 else {
            throw PrismError.usage("--importance is for one feature more than dimensions; leave it out for other sizes")
        }
        try allocation()
    }

    private func phases() throws {
        struct Output: Encodable {
            let winners, winnersAtBestScale: [PhaseOracle.Phase]
            let phases: [PhaseOracle.Prediction]
            let trained: Trained?
        }
        struct Trained: Encodable {
            let phase: PhaseOracle.Phase?
            let loss: Double
        }
        let oracle = try PhaseOracle(importance: importance, density: density, hidden: hidden)
        var trained: Trained?
        if train {
            Interrupt.install()
            let configuration = PhaseOracle.configuration(
                importance: importance, density: density, hidden: hidden, seed: 0)
            let lab = Lab(workers: threads.workers, label: json ? nil : "oracle")
            let best = try PhaseOracle.best(of: [configuration], in: lab)[0]
            trained = Trained(phase: .init(of: best.model.embeddings), loss: best.loss)
        }
        if json {
            return try printJSON(
                Output(
                    winners: oracle.winners, winnersAtBestScale: oracle.bestWinners, phases: oracle.predictions,
                    trained: trained))
        }
        print("phase             closed form   at best scale and bias")
        for prediction in oracle.predictions {
            let name = prediction.phase.rawValue.padding(toLength: 16, withPad: " ", startingAt: 0)
            let mark = oracle.winners.contains(prediction.phase) ? "  ← least" : ""
            print("\(name)  \(format(prediction.loss))    \(format(prediction.bestLoss))\(mark)")
        }
        if let trained {
            print(
                "trained: \(trained.phase?.rawValue ?? "none of these"), loss \(format(trained.loss))"
            )
        }
    }

    private func allocation() throws {
        struct Output: Encodable {
            struct Kind: Encodable { let name: String, share, dimensions, squaredNorm, bias, loss: Double }
            let dimensionsPerFeature, lossPerFeature: Double
            let kinds: [Kind]
        }
        let allocation = try Allocation(features: features, hidden: hidden, density: density)
        if json {
            return try printJSON(
                Output(
                    dimensionsPerFeature: allocation.dimensionsPerFeature, lossPerFeature: allocation.lossPerFeature,
                    kinds: allocation.kinds.map { kind, share in
                        .init(
                            name: kind.name, share: share, dimensions: kind.dimensions, squaredNorm: kind.scale,
                            bias: kind.bias, loss: kind.loss)
                    }))
        }
        print(
            "D* = \(short(allocation.dimensionsPerFeature)), loss for each feature \(format(allocation.lossPerFeature))"
        )
        for (kind, share) in allocation.kinds {
            print(
                "\(short(100 * share))% \(kind.name): D \(short(kind.dimensions)), ‖W‖² \(short(kind.scale)), "
                    + "b \(short(kind.bias)), loss \(format(max(0, kind.loss)))")
        }
    }

    private func short(_ value: Double) -> String { String(format: "%.3g", value) }
    private func format(_ value: Double) -> String { String(format: "%.4e", value) }
}
