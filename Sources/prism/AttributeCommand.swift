import ArgumentParser
import Foundation
import PrismCausal
import PrismCore
import PrismRuns

struct AttributeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attribute",
        abstract: "Ranks what drives a model's answer: latents, heads, MLPs, neurons or positions.",
        discussion: """
            Divides m = logit(target) − logit(against), in nats, among units, and takes the strongest away one by one to see \
            what that does. A unit counts by how it differs from what it is in a corrupt prompt, from its mean, or from zero.

            Methods: gradient (× the difference), ig (integrated gradients), direct (on the logits, past all that follows), \
            linear (also through later heads, whose attention patterns are held).
            Units: latents of dictionaries; heads; mlps; neurons; residual (the stream before each block); components (the \
            embedding, heads and MLPs).

            With --task or --pairs instead of a prompt it sets methods beside exact ablation; m is then the log odds of the \
            answers against the foils.

            Examples:
              prism attribute model.gguf --prompt "The capital of France is" --target " Paris" --units mlps
              prism attribute runs/books --prompt "…" --target " Paris" --against " London" --corrupt "…"
              prism attribute model.gguf --task ioi --count 20 --units heads --method gradient direct
            """)

    /// What units are set against without a corrupt prompt.
    enum Baseline: String, CaseIterable, ExpressibleByArgument { case zero, mean }

    @Argument(
        help: ArgumentHelp(
            "Runs of one model (`folder` for all dictionaries of a run, `folder:dictionary` for one), or a model.",
            valueName: "run or model"))
    var subjects: [String]
    @Option(help: ArgumentHelp("The text to be answered.", valueName: "text")) var prompt: String?
    @Option(help: ArgumentHelp("The answer to explain, one token, with its space.", valueName: "token"))
    var target: String?
    @Option(help: ArgumentHelp("The answer to weigh it against. (default: none)", valueName: "token"))
    var against: String?
    @Option(
        help: ArgumentHelp(
            "A prompt of as many tokens that asks for something else: what units are there is their baseline.",
            valueName: "text"))
    var corrupt: String?
    @Option(
        help: ArgumentHelp(
            "The baseline without --corrupt: zero, or a unit’s mean over text. (default: zero)", valueName: "what"))
    var baseline: Baseline?
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Text to take means over. (default: the run’s held-out text)", valueName: "file or folder"))
    var text: [String] = []
    @Option(
        help: ArgumentHelp("What m is divided among. (default: latents of a run, heads of a model)", valueName: "units")
    )
    var units: AttributionUnits?
    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "How; one for a prompt. (default: gradient for a prompt, all with --task or --pairs)", valueName: "method"))
    var method: [AttributionMethod] = []
    @Option(help: ArgumentHelp("Units of a prompt to list. (default: 20)", valueName: "n")) var top: Int?
    @Option(
        help: ArgumentHelp(
            "Units to ablate exactly: the strongest of a prompt (default: all listed); with --task or --pairs, drawn at random from each prompt’s (default: 2000).",
            valueName: "n"))
    var verify: Int?
    @OptionGroup var prompts: PromptOptions
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func validate() throws {
        guard top ?? 1 > 0, verify ?? 1 >= 0 else {
            throw ValidationError("units to list must be positive, units to ablate none or more")
        }
        guard (prompt == nil) == (target == nil) else { throw ValidationError("--prompt and --target go together") }
        guard (prompt == nil) != (prompts.task == nil && prompts.pairs == nil) else {
            throw ValidationError("give either a --prompt with its --target, or pairs of prompts by --task or --pairs")
        }
        guard prompt != nil else {
            let unused = [
                ("against", against != nil), ("corrupt", corrupt != nil),
                ("baseline", baseline != nil), ("text", !text.isEmpty), ("top", top != nil),
            ].filter(\.1)
            guard unused.isEmpty else {
                throw ValidationError(unused.map { "--\($0.0)" }.joined(separator: ", ") + " can only go with --prompt")
            }
            return
        }
        guard method.count < 2 else { throw ValidationError("a prompt is explained by one method; give one") }
        guard corrupt == nil || baseline == nil else {
            throw ValidationError("give --corrupt or --baseline, not both")
        }
        guard text.isEmpty || baseline == .mean else {
            throw ValidationError("--text can only go with --baseline mean")
        }
    }

    func run() throws {
        Interrupt.install()
        var measurement = AttributionMeasurement(try CausalSubject(subjects))
        measurement.units = units ?? (measurement.subject.dictionaries.isEmpty ? .heads : .latents)
        measurement.workers = threads.workers
        guard let prompt, let target else {
            let found = try measurement.agreement(
                prompts.source(), methods: method.isEmpty ? AttributionMethod.allCases : method,
                most: verify ?? 2000, seed: prompts.seed)
            return json ? try printJSON(found) : show(found)
        }
        let top = top ?? 20
        let found = try measurement.report(
            prompt, target: target, foil: against, baseline: baseline(measurement.subject),
            method: method.first ?? .gradient, top: top, verified: verify ?? top)
        return json ? try printJSON(found) : show(found)
    }

    private func baseline(_ subject: CausalSubject) throws -> AttributionQuestion.Baseline {
        if let corrupt { return .prompt(try subject.tokens(of: corrupt)) }
        return baseline == .mean ? .mean(try subject.heldOut(tokens: 2000, text: text)) : .zero
    }

    private func show(_ found: AttributionReport) {
        printTable(
            ["unit", "place", "position", "token", "attributed", "ablated"],
            found.rows.map { row in
                [
                    [row.unit, row.label].compactMap(\.self).joined(separator: " "), row.place, "\(row.position)",
                    row.token, number(row.attributed),
                    row.ablated.map { number($0) } ?? "",
                ]
            })
        print("\nm = \(number(found.value)) nats; \(found.unitCount) units, attributed together \(number(found.sum))")
        if let worst = found.completeness.max(by: { $0.error < $1.error }) {
            let reached = found.completeness.count(where: \.isReached)
            let steps = found.completeness.map(\.steps)
            print(
                "completeness within 1% at \(reached) of \(steps.count) places, after \(steps.min()!) to \(steps.max()!) steps; at worst \(number(worst.sum)) for \(number(worst.whole))"
            )
        }
        if let pearson = found.pearson, let spearman = found.spearman {
            print("attributed and ablated: Pearson \(number(pearson, 2)), Spearman \(number(spearman, 2))")
        }
        print("attribution \(number(found.attributionSeconds, 2)) s, ablation \(number(found.ablationSeconds, 2)) s")
    }

    private func show(_ found: AttributionAgreement) {
        print("\(found.prompts) prompts, \(number(found.units, 0)) units each\n")
        printTable(
            ["method", "Pearson", "Spearman", "seconds a prompt", "complete within 1%", "steps"],
            found.methods.map { method in
                [
                    method.method.rawValue, method.pearson.text("%.2f"), method.spearman.text("%.2f"),
                    number(method.seconds, 2),
                    method.complete.map { $0.formatted(.percent.precision(.fractionLength(0))) } ?? "",
                    method.steps.map { number($0, 0) } ?? "",
                ]
            } + [["ablation", "", "", number(found.ablationSeconds, 2), "", ""]])
        guard let places = found.methods.first?.places.map(\.place), places.count > 1 else { return }
        print("\nPearson by place, over all prompts")
        printTable(
            ["place"] + found.methods.map(\.method.rawValue),
            places.indices.map { place in
                [places[place]] + found.methods.map { $0.places[place].pearson.map { number($0, 2) } ?? "" }
            })
    }

    private func number(_ value: Double, _ digits: Int = 3) -> String {
        value.formatted(.number.precision(.fractionLength(digits)).grouping(.never))
    }
}

extension AttributionUnits: ExpressibleByArgument {}
extension AttributionMethod: ExpressibleByArgument {}
