import ArgumentParser
import Foundation
import PrismCausal
import PrismCore
import PrismFormats
import PrismModels
import PrismRuns

/// What `ablate` and `steer` have in common: the subject, the units, the prompt.
struct EditOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "Runs of one model (`folder` for all dictionaries of a run, `folder:dictionary` for one), or a model.",
            valueName: "run or model"))
    var subjects: [String]
    @Option(help: ArgumentHelp("Latents of the dictionary, by number.", valueName: "n,…")) var latent: String?
    @Option(help: ArgumentHelp("Neurons, as layer:number.", valueName: "layer:n,…")) var neuron: String?
    @Option(help: ArgumentHelp("Attention heads, as layer:number.", valueName: "layer:n,…")) var head: String?
    @Option(help: ArgumentHelp("A direction, in a .npy file; with --hook.", valueName: "file")) var direction: String?
    @Option(
        help: ArgumentHelp("Where the direction is.", valueName: "name"), transform: { try HookPoint($0) })
    var hook: HookPoint?
    @Option(help: ArgumentHelp("Which of several dictionaries, as it was named.", valueName: "run:name"))
    var dictionary: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Positions to touch: all, prompt, generated, last, active, numbers such as 3,5-8,-1, or a regular expression on tokens between slashes.",
            valueName: "where"),
        transform: { try Edit.Positions($0) })
    var at: Edit.Positions = .all
    @Flag(help: "Drop what the dictionary does not explain where it is touched, instead of keeping it.") var dropError =
        false
    @Option(help: "Text to read.") var prompt: String
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Text to take means and samples of. (default: the run’s held-out text)", valueName: "file or folder"))
    var text: [String] = []
    @Option(help: ArgumentHelp("Tokens to write behind the prompt, clean and changed.", valueName: "n")) var generate =
        0
    @Option(help: ArgumentHelp("0 always takes the likeliest token.", valueName: "t")) var temperature: Float = 0
    @Option(help: ArgumentHelp("Seed of sampling and resampling.", valueName: "n")) var seed: UInt64 = 0
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func validate() throws {
        guard generate >= 0 else { throw ValidationError("tokens to generate must be none or more, not \(generate)") }
    }

    /// Whether any units are named.
    var namesUnits: Bool { [latent, neuron, head, direction].contains { $0 != nil } }

    /// Edits that make the same change to all units that were named.
    func edits(_ change: Edit.Change) throws -> [Edit] {
        var units: [Edit.Units] = []
        if let latent { units.append(.latents(try Self.numbers(latent, "latents"), dictionary: dictionary)) }
        if let neuron { units += try byLayer(neuron, "neurons") { .neurons($0, layer: $1) } }
        if let head { units += try byLayer(head, "heads") { .heads($0, layer: $1) } }
        if let direction {
            guard let hook else { throw PrismError.usage("--direction needs --hook, the place where it is one") }
            units.append(.direction(try NpyFile(URL(filePath: direction)).tensor().values, at: hook))
        }
        guard namesUnits else {
            throw PrismError.usage("name what to change: --latent, --neuron, --head or --direction")
        }
        return units.map { Edit($0, change, at: at, keepsError: !dropError) }
    }

    /// Reads “12,34”.
    static func numbers(_ text: String, _ what: String) throws -> [Int] {
        try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let number = Int(part), number >= 0 else {
                throw PrismError.usage("‘\(text)’ names no \(what); give numbers such as 12,34")
            }
            return number
        }
    }

    private func byLayer(
        _ text: String, _ what: String, _ units: ([Int], Int) -> Edit.Units
    ) throws -> [Edit.Units] {
        let pairs = try text.split(separator: ",", omittingEmptySubsequences: false).map { part in
            let numbers = part.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
            guard numbers.count == 2, let layer = numbers[0], let number = numbers[1] else {
                throw PrismError.usage("‘\(text)’ names no \(what); give layer:number, such as 9:6,10:0")
            }
            return (layer, number)
        }
        let layers = Dictionary(grouping: pairs, by: \.0)
        return layers.keys.sorted().map { layer in units(layers[layer]!.map(\.1), layer) }
    }

    /// - needsReference: whether means or samples of the run's held-out text are needed.
    func surroundings(_ subject: CausalSubject, needsReference: Bool) throws -> EditPlan.Surroundings {
        var result = EditPlan.Surroundings()
        result.dictionaries = subject.dictionaries
        result.tokens = { try subject.tokens(of: $0) }
        result.seed = seed
        result.workers = threads.workers
        if needsReference { result.reference = try subject.heldOut(tokens: 10_000, text: text) }
        return result
    }

    var sampling: Sampling { Sampling(temperature: temperature) }

    /// One comparison of the prompt, clean and changed.
    func compare(_ edits: [Edit]) throws {
        let subject = try CausalSubject(subjects)
        let found = try PromptComparison(
            try subject.tokens(of: prompt), edits, subject.model, subject.tokenizer,
            surroundings(subject, needsReference: edits.contains { $0.needsReference }), generate: generate,
            sampling: sampling)
        if json { return try printJSON(found) }
        printTable(
            ["token", "KL, nats", "moved most: clean → changed"],
            found.positions.map { position in
                let moved = position.moved.prefix(2).map { shift in
                    "\(shift.token) \(percent(shift.clean)) → \(percent(shift.changed))"
                }
                return [
                    position.token, position.divergence.formatted(.number.precision(.fractionLength(4))),
                    moved.joined(separator: ", "),
                ]
            })
        let moved = found.positions.last?.moved ?? []
        print(moved.isEmpty ? "\nAfter the prompt nothing moves." : "\nAfter the prompt:")
        if !moved.isEmpty {
            printTable(
                ["next token", "clean", "changed"], moved.map { [$0.token, percent($0.clean), percent($0.changed)] })
        }
        if generate > 0 { print("\nclean:    \(found.clean)\n\nchanged:  \(found.changed)") }
    }

    private func percent(_ probability: Double) -> String {
        probability.formatted(.percent.precision(.significantDigits(1...3)))
    }
}
