import ArgumentParser
import PrismCausal
import PrismCore
import PrismRuns

struct SteerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "steer",
        abstract:
            "Adds to latents, neurons, heads or directions, or boosts or clamps them, and shows what the model then says.",
        discussion: """
            --sweep tries several strengths, and sets what each changes beside what it costs in fluency.

            Examples:
              prism steer runs/books --latent 1234 --strength 8 --prompt "Once upon a time" --generate 60
              prism steer runs/books --latent 1234 --clamp 12 --at generated --prompt "Once upon a time" --generate 60
              prism steer runs/books --latent 1234 --sweep 0,2,4,8,16,32 --prompt "Once upon a time" --generate 40
            """)

    @OptionGroup var options: EditOptions
    @Option(parsing: .unconditional, help: ArgumentHelp("Added to the unit's value.", valueName: "s")) var strength:
        Float?
    @Option(parsing: .unconditional, help: ArgumentHelp("Multiplies the unit's value.", valueName: "factor")) var boost:
        Float?
    @Option(parsing: .unconditional, help: ArgumentHelp("Takes the place of the unit's value.", valueName: "value"))
    var clamp: Float?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Strengths to try, one after the other, added to the unit's value.", valueName: "s,s,…"))
    var sweep: String?

    func run() throws {
        switch (strength, boost, clamp, sweep) {
        case (let strength?, nil, nil, nil): try options.compare(options.edits(.add(strength)))
        case (nil, let boost?, nil, nil): try options.compare(options.edits(.multiply(boost)))
        case (nil, nil, let clamp?, nil): try options.compare(options.edits(.set(clamp)))
        case (nil, nil, nil, let sweep?): try self.sweep(sweep)
        default: throw PrismError.usage("give one of --strength, --boost, --clamp and --sweep")
        }
    }

    private func sweep(_ list: String) throws {
        let strengths = try list.split(separator: ",", omittingEmptySubsequences: false).map { part in
            guard let number = Float(part), number.isFinite else {
                throw PrismError.usage("‘\(list)’ holds no strengths; give numbers such as 0,4,8")
            }
            return number
        }
        guard options.generate > 0 else {
            throw PrismError.usage("a sweep compares continuations; give --generate a number of tokens")
        }
        let subject = try CausalSubject(options.subjects)
        let edits = try options.edits(.add(0))
        let found = try StrengthSweep(
            subject.tokens(of: options.prompt), strengths: strengths,
            { strength in edits.map { Edit($0.units, .add(strength), at: $0.positions, keepsError: $0.keepsError) } },
            subject.model, subject.tokenizer, options.surroundings(subject, needsReference: false),
            count: options.generate, sampling: options.sampling)
        if options.json { return try printJSON(found) }
        func text(_ number: Double) -> String { number.formatted(.number.precision(.fractionLength(3))) }
        printTable(
            ["strength", "KL a token", "clean loss", "distinct", "continuation"],
            found.rows.map {
                [
                    $0.strength.formatted(), text($0.effect), text($0.loss), text($0.distinct),
                    String($0.continuation.prefix(60)),
                ]
            })
        print("\nKL(clean ‖ changed) and the clean model’s loss are in nats a token of the continuation.")
    }
}
