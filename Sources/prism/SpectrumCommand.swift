import ArgumentParser
import Foundation
import PrismCore
import PrismRuns
import PrismSpectrum

struct SpectrumCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spectrum",
        abstract: "Measures how polysemantic neurons and latents are, beside what chance gives.",
        discussion: """
            Takes a run, whose dictionary's latents stand beside the neurons at the same place, or a model for its neurons \
            alone. What units respond to is told by detectors of concepts that need no labels: scripts, languages, code, \
            numbers, casing and more; --concepts adds your own.

            Examples:
              prism spectrum runs/books --out runs/books-spectrum
              prism spectrum runs/narrow --compare runs/wide --out runs/splitting
              prism spectrum model.gguf --hook blocks.15.mlp.hook_post --text books --out runs/neurons
            """)

    @Argument(help: ArgumentHelp("Folder of a run that `prism discover` made, or a model.", valueName: "run or model"))
    var subject: String
    @Option(help: ArgumentHelp("With a model: the place whose neurons to measure.", valueName: "name"))
    var hook: String?
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("With a model: files and folders of text.", valueName: "path"))
    var text: [String] = []
    @Option(help: ArgumentHelp("Tokens to look at; those held out from training first.", valueName: "n"))
    var tokens = 100_000
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp("YAML files of concepts beside the built-in ones.", valueName: "file"))
    var concepts: [String] = []
    @Option(help: ArgumentHelp("Which of a run's dictionaries. (default: its only one)", valueName: "name"))
    var dictionary: String?
    @Option(
        help: ArgumentHelp(
            "Another run of the same model, of another seed, width or layer, to match latents with.",
            valueName: "run[:dictionary]"))
    var compare: String?
    @Option(
        help: ArgumentHelp(
            "Neurons, and latents, to take away from the model one at a time, to see where its predictions change.",
            valueName: "n"))
    var ablate = 12
    @Flag(help: "Measure the neurons of the same model with shuffled weights too.") var randomModel = false
    @Option(help: ArgumentHelp("New folder for the numbers and report.html.", valueName: "folder"))
    var out: String
    @Option(help: ArgumentHelp("Seed of the controls.", valueName: "n")) var seed: UInt64 = 0
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func run() throws {
        Interrupt.install()
        guard ablate >= 0 else { throw PrismError.usage("units to ablate must be none or more, not \(ablate)") }
        guard tokens > 0 else { throw PrismError.usage("tokens must be positive, not \(tokens)") }
        let folder = URL(filePath: out)
        try Files.createOutput(folder)
        var options = SpectrumMeasurement.Options()
        (options.tokens, options.dictionary, options.seed) = (tokens, dictionary, seed)
        options.concepts = concepts.map { URL(filePath: $0) }
        options.hasRandomModel = randomModel
        options.ablated = ablate
        guard compare == nil || hook == nil else {
            throw PrismError.usage("--compare sets another run’s dictionary beside a run’s own; a model has none")
        }
        options.compared = try compare.map { try ComparedRun($0) }
        let measurement = try measurement(options)
        let report = try measurement.report()
        try report.write(to: folder)
        if json { return try printJSON(report.record) }
        let table = SpectrumReport.medianRows(report.record.spectrum)
        printTable(table.columns, table.rows)
        print("\nThe report is \(folder.appending(path: "report.html").path)")
    }

    private func measurement(_ options: SpectrumMeasurement.Options) throws -> SpectrumMeasurement {
        if let hook {
            guard !text.isEmpty else {
                throw PrismError.usage("give the model some text: --text with files or folders")
            }
            var configuration = DiscoveryConfiguration()
            configuration.model = subject
            configuration.text = text
            configuration.dictionaries[0].hooks = [try HookPoint(hook)]
            return try SpectrumMeasurement(neuronsOf: configuration, options, workers: threads.workers)
        }
        guard text.isEmpty else {
            throw PrismError.usage("--text goes with a model and --hook; a run knows its own text")
        }
        let run: Run
        do {
            run = try Run(URL(filePath: subject))
        } catch let error as PrismError {
            throw PrismError(error.kind, "\(error.message); a model needs --hook and --text")
        }
        return try SpectrumMeasurement(of: run, options, workers: threads.workers)
    }
}
