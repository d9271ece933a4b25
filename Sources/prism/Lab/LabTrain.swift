import ArgumentParser
import Foundation
import PrismCore
import PrismLab

struct LabTrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract:
            "Trains toy models of your own, over a grid of densities and widths, and shows the geometry they find.",
        discussion: """
            Each cell of the grid is trained from several seeds; the best is shown and every loss is kept. How long it will \
            take is said before it begins.

            Examples:
              prism lab train --features 20 --hidden 5 --importance 0.7 --density 1 0.3 0.1 0.03 0.01
              prism lab train --features 6 --hidden 3 --correlated 2 --density 0.1 --out runs/octahedron
              prism lab train --features 10 --hidden 5 --kind privileged --density 0.5 0.1 --seeds 64
            """)

    @Option(parsing: .unconditional, help: ArgumentHelp("Features of the model.", valueName: "n")) var features: Int
    @Option(parsing: .upToNextOption, help: ArgumentHelp("Hidden dimensions, one or several.", valueName: "m"))
    var hidden: [Int]
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("Probabilities that a feature is active, in (0, 1], one or several.", valueName: "p"))
    var density: [Float] = [1, 0.3, 0.1, 0.03, 0.01]
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Importance of feature i is this ratio to the power i.", valueName: "ratio"))
    var importance: Float = 1
    @Option(
        help: ArgumentHelp(
            "linear: WᵀWx + b; relu: ReLU(WᵀWx + b); privileged: its hidden layer is a ReLU too; absolute: |x| from two layers.",
            valueName: "kind"))
    var kind = Kind.relu
    @Option(help: ArgumentHelp("Features occur together in groups of this many.", valueName: "n")) var correlated: Int?
    @Option(help: ArgumentHelp("Of each group of this many at most one occurs.", valueName: "n"))
    var anticorrelated: Int?
    @Option(help: ArgumentHelp("Trainings of each cell, from different seeds.", valueName: "n")) var seeds = 4
    @Option(help: ArgumentHelp("Steps of a training.", valueName: "n")) var steps = 10_000
    @Option(help: ArgumentHelp("Samples in a step.", valueName: "n")) var batch = 1024
    @Option(help: ArgumentHelp("Learning rate of Adam.", valueName: "rate")) var learningRate: Float = 1e-3
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("AdamW's γ; below zero it pulls embeddings towards length one.", valueName: "rate"))
    var weightDecay: Float = 0
    @Option(help: ArgumentHelp("Weight of the hidden activations' L1 norm.", valueName: "weight"))
    var activationL1: Float = 0
    @OptionGroup var options: LabOutput

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case linear, relu, privileged, absolute
    }

    func run() throws {
        Interrupt.install()
        guard seeds > 0 else { throw PrismError.usage("seeds must be positive, not \(seeds)") }
        guard correlated == nil || anticorrelated == nil else {
            throw PrismError.usage("give --correlated or --anticorrelated, not both")
        }
        // A pair of neurons for each feature is the most that any kind has a use for.
        let most = kind == .absolute ? 2 * features : features
        for width in hidden where width > most {
            throw PrismError.usage(
                "\(width) hidden dimensions for \(features) features make no sense; take at most \(most)")
        }
        let cells = try hidden.flatMap { width in try density.map { try cell(hidden: width, density: $0) } }
        if let out = options.out { try Files.createOutput(URL(filePath: out)) }
        let grid = ToyGrid(cells, seeds: seeds)
        let lab = Lab(seed: options.seed, workers: options.threads.workers, label: "lab")
        let seconds = try grid.expectedSeconds(in: lab)
        writeToStandardError(
            "\(cells.count) cells of \(seeds) trainings take about \(duration(seconds))\n")
        let results = try grid.run(in: lab)
        if options.json {
            try printJSON(results.map(\.summary))
        } else {
            print(ToyGrid.columns.joined(separator: "\t"))
            for result in results { print(result.row.joined(separator: "\t")) }
        }
        guard let out = options.out else { return }
        try grid.writeReport(results, seed: options.seed, to: URL(filePath: out))
        if !options.json { print(URL(filePath: out).appending(path: "report.html").path) }
    }

    private func cell(hidden: Int, density: Float) throws -> ToyConfiguration {
        var distribution = FeatureDistribution(count: features, density: [density])
        if let correlated { distribution.dependence = .correlated(size: correlated) }
        if let anticorrelated { distribution.dependence = .anticorrelated(size: anticorrelated) }
        if kind == .absolute { distribution.least = -1 }
        var configuration = ToyConfiguration(distribution, hidden: hidden)
        try distribution.validate()
        configuration.importance = ToyConfiguration.geometricImportance(features, ratio: importance)
        configuration.outputActivation = kind == .linear ? .linear : .relu
        if kind == .privileged || kind == .absolute { configuration.hiddenActivation = .relu }
        if kind == .absolute {
            configuration.isTied = false
            configuration.target = .absolute
        }
        configuration.steps = steps
        configuration.batch = batch
        configuration.learningRate = learningRate
        configuration.optimiser = .adamW
        configuration.weightDecay = weightDecay
        configuration.activationL1 = activationL1
        configuration.seed = options.seed
        try configuration.validate()
        return configuration
    }
}
