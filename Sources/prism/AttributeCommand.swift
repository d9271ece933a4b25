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
            Divides m = logit(target) − logit(against) among units, against a corrupt prompt or a baseline, and takes the \
            strongest away one by one to see what that does. Methods: gradient × difference, integrated gradients (ig), \
            direct effects on the logits, and linear effects through held attention patterns. With --task or --pairs \
            instead of a prompt it sets every method beside exact ablation.

            Examples:
              prism attribute model.gguf --prompt "The capital of France is" --target " Paris" --units mlps
              prism attribute runs/books --prompt "…" --target " Paris" --against " London" --corrupt "…"
              prism attribute model.gguf --task ioi --count 20 --units heads
            """)

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
        help: ArgumentHelp("A prompt of as many tokens that asks for something else: the baseline.", valueName: "text"))
    var corrupt: String?
    @Option(
        help: ArgumentHelp(
            "What units are set against without one: zero, or mean (over the run's held-out text).", valueName: "what"))
    var baseline = AttributionMeasurement.Baseline.zero
    @Option(
        help: ArgumentHelp(
            "\(AttributionUnits.allCases.map(\.rawValue).joined(separator: ", ")); components are the embedding, heads and MLPs. (default: latents of a run, heads of a model)",
            valueName: "units"))
    var units: AttributionUnits?
    @Option(
        help: ArgumentHelp(
            AttributionMethod.allCases.map(\.rawValue).joined(separator: ", ") + ".", valueName: "method"))
    var method = AttributionMethod.gradient
    @Option(help: ArgumentHelp("Units to list.", valueName: "n")) var top = 20
    @Option(
        help: ArgumentHelp(
            "Units to ablate: the strongest, of a task’s prompts so many at random. (default: all listed; 2000)",
            valueName: "n"))
    var verify: Int?
    @OptionGroup var prompts: PromptOptions
    @Flag(help: "Print JSON.") var json = false
    @OptionGroup var threads: ThreadOption

    func validate() throws {
        guard top > 0, verify ?? 1 >= 0 else {
            throw ValidationError("units to list must be positive, units to ablate none or more")
        }
        guard (prompt == nil) == (target == nil) else { throw ValidationError("--prompt and --target go together") }
        guard (prompt == nil) != (prompts.task == nil && prompts.pairs == nil) else {
            throw ValidationError("give either a --prompt with its --target, or pairs of prompts by --task or --pairs")
        }
    }

    func run() throws {
        Interrupt.install()
        var measurement = AttributionMeasurement(try CausalSubject(subjects))
        measurement.units = units ?? (measurement.subject.dictionaries.isEmpty ? .heads : .latents)
        measurement.workers = threads.workers
        guard let prompt, let target else {
            let found = try measurement.agreement(prompts.source(), most: verify ?? 2000, seed: prompts.seed)
            return json ? try printJSON(found) : show(found)
        }
        let found = try measurement.report(
            prompt, target: target, foil: against, corrupt: corrupt, baseline: baseline, method: method, top: top,
            verified: verify ?? top)
        return json ? try printJSON(found) : show(found)
    }

    private func show(_ found: AttributionReport) {
        printTable(
            ["unit", "place", "position", "token", "attributed", "ablated"],
            found.rows.map { row in
                [
                    row.unit, row.place, "\(row.position)", row.token, number(row.attributed),
                    row.ablated.map { number($0) } ?? "",
                ]
            })
        print("\nm = \(number(found.value)); \(found.unitCount) units, attributed together \(number(found.sum))")
        if let worst = found.completeness.max(by: { $0.error < $1.error }) {
            let reached = found.completeness.count(where: \.isReached)
            print(
                "completeness within 1% at \(reached) of \(found.completeness.count) places; at worst \(number(worst.sum)) for \(number(worst.whole)) after \(worst.steps) steps"
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
            ["method", "Pearson", "Spearman", "seconds a prompt", "complete"],
            found.methods.map { method in
                [
                    method.method.rawValue, interval(method.pearson.value, method.pearson.high),
                    interval(method.spearman.value, method.spearman.high), number(method.seconds, 2),
                    method.complete.map { $0.formatted(.percent.precision(.fractionLength(0))) } ?? "",
                ]
            } + [["ablation", "", "", number(found.ablationSeconds, 2), ""]])
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

    private func interval(_ value: Double, _ high: Double) -> String {
        "\(number(value, 2)) ± \(number(high - value, 2))"
    }
}

extension AttributionUnits: ExpressibleByArgument {}
extension AttributionMethod: ExpressibleByArgument {}
extension AttributionMeasurement.Baseline: ExpressibleByArgument {}
