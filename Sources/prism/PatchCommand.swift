import ArgumentParser
import Foundation
import PrismCausal
import PrismCore
import PrismRuns

struct PatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "patch",
        abstract: "Patches activations between two prompts, to see where in the model an answer is decided.",
        discussion: """
            Takes pairs of prompts that differ in what decides the answer, from a task or a file of your own, runs both, \
            puts activations of one run into the other and measures how far the answer follows: residual stream, \
            attention and MLPs by layer and position, heads, paths between them, neurons, and a run's latents.

            Tasks:
            \(PatchingTask.all.map { "  \($0.name): \($0.summary)" }.joined(separator: "\n"))

            Examples:
              prism patch model.gguf --task ioi --out patching/ioi
              prism patch model.gguf --task ioi-abc --site paths --out patching/paths
              prism patch model.gguf --task ioi --site neurons --layers 20 21 22 --out patching/neurons
              prism patch runs/books --pairs own.jsonl --site latents --out patching/latents
            """)

    @Argument(help: ArgumentHelp("A model, or runs of one model whose latents to patch.", valueName: "model or run"))
    var subjects: [String]
    @OptionGroup var prompts: PromptOptions
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "What to patch: \(PatchingSite.allCases.map(\.rawValue).joined(separator: ", ")). (default: residual, attention, mlp, heads of a model, latents of a run)",
            valueName: "site"))
    var site: [PatchingSite] = []
    @Option(help: "Denoising puts clean activations into the corrupt run, noising the other way.")
    var direction = PatchingDirection.denoising
    @Option(
        parsing: .upToNextOption, help: ArgumentHelp("Layers to patch. (default: all)", valueName: "layer"))
    var layers: [Int] = []
    @Option(
        help: ArgumentHelp(
            "Where to patch heads, neurons, latents and where paths begin: a word of the task’s template (of ioi S1, IO, S2), end, or a number. (default: at all positions that differ)",
            valueName: "position"))
    var position: String?
    @Option(help: ArgumentHelp("Neurons or latents to patch one by one, those of largest attribution.", valueName: "n"))
    var top = 32
    @Option(
        parsing: .upToNextOption, help: ArgumentHelp("Latents to patch instead of those.", valueName: "latent"))
    var latents: [Int] = []
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Where paths end: layer, head and q, k or v, as in 20.3.q. (default: the logits)", valueName: "input"),
        transform: { try HeadInput($0) })
    var to: [HeadInput] = []
    @Flag(help: "Paths go past MLPs, not through them.") var frozenMlps = false
    @Option(help: ArgumentHelp("New folder for the numbers and report.html.", valueName: "folder"))
    var out: String
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func validate() throws {
        guard top >= 0 else { throw ValidationError("units to patch must be none or more, not \(top)") }
        guard site.contains(.paths) || to.isEmpty && !frozenMlps else {
            throw ValidationError("--to and --frozen-mlps are of paths; give --site paths")
        }
        guard site.isEmpty || site.contains(.latents) || latents.isEmpty else {
            throw ValidationError("--latents names latents to patch; give --site latents")
        }
    }

    func run() throws {
        Interrupt.install()
        let folder = URL(filePath: out)
        let measurement = PatchingMeasurement(patching, try prompts.source(), workers: threads.workers)
        try Files.createOutput(folder)
        let report = try measurement.report(of: subjects)
        try report.write(to: folder)
        if json { return try printJSON(report.record) }
        let tables = [report.answeringRows, report.strongestRows(), report.neededRows]
        for table in tables where !table.rows.isEmpty {
            printTable(table.columns, table.rows)
            print()
        }
        print("The report is \(folder.appending(path: "report.html").path)")
    }

    private var patching: Patching {
        var patching = Patching()
        patching.sites = site
        (patching.direction, patching.position, patching.top) = (direction, position, top)
        patching.layers = layers.isEmpty ? nil : layers
        patching.latents = latents.isEmpty ? nil : latents
        (patching.receivers, patching.freezesMLPs) = (to, frozenMlps)
        return patching
    }
}

extension PatchingSite: ExpressibleByArgument {}
extension PatchingDirection: ExpressibleByArgument {}
