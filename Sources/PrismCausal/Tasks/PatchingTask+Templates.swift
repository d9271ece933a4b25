import PrismCore

// Words carry the space before them, as their tokens do.
extension PatchingTask {
    /// Indirect-object identification (Wang et al. 2022): of two names the one that did not act receives. The corrupt prompt
    /// lets the other one act, so that the answers trade places.
    static let indirectObject = PatchingTask("ioi", "the name that did not act receives; corrupt: the other name acts")
    {
        let (template, names, words) = indirectObjectDraw(&$0)
        let (subject, object) = (names[0], names[1])
        return PromptDraft(
            clean: Prompt(template, words.merging(["S1": subject, "IO": object, "S2": subject]) { $1 }),
            corrupt: Prompt(template, words.merging(["S1": subject, "IO": object, "S2": object]) { $1 }),
            answers: [object], foils: [subject])
    }

    /// The same against a prompt of three other names, none of them twice, which says nothing about the answer: the
    /// published reference distribution.
    static let indirectObjectABC = PatchingTask(
        "ioi-abc", "the name that did not act receives; corrupt: three other names, none twice"
    ) {
        let (template, names, words) = indirectObjectDraw(&$0)
        return PromptDraft(
            clean: Prompt(template, words.merging(["S1": names[0], "IO": names[1], "S2": names[0]]) { $1 }),
            corrupt: Prompt(template, words.merging(["S1": names[2], "IO": names[3], "S2": names[4]]) { $1 }),
            answers: [names[1]], foils: [names[0]])
    }

    private static func indirectObjectDraw(
        _ generator: inout SeededGenerator
    ) -> (template: String, names: [String], words: [String: String]) {
        // ABBA and BABA, evenly.
        let frame = Lexicon.indirectObjectTemplates.randomElement(using: &generator)!
        let isABBA = Bool.random(using: &generator)
        let template = frame.replacing("[A]", with: isABBA ? "{IO}" : "{S1}")
            .replacing("[B]", with: isABBA ? "{S1}" : "{IO}")
        let words = [
            "place": Lexicon.places.randomElement(using: &generator)!,
            "object": Lexicon.objects.randomElement(using: &generator)!,
        ]
        let names = (Lexicon.women + Lexicon.men).shuffled(using: &generator)
        return (template, names, words)
    }

    /// A year that ends something comes after the one that began it (Hanna et al. 2023). The corrupt one begins in the first
    /// year of its century, before which there is none.
    static let greaterThan = PatchingTask("greater-than", "what began in a year ends later; corrupt: in year 01") {
        let century = Int.random(in: 11...17, using: &$0)
        let year = Int.random(in: 20...79, using: &$0)
        func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let template = "The{event} lasted from the year \(century){year+} to the year \(century)"
        let event = Lexicon.events.randomElement(using: &$0)!
        return PromptDraft(
            clean: Prompt(template, ["event": event, "year": "\(year)"]),
            corrupt: Prompt(template, ["event": event, "year": "01"]),
            answers: (year + 1...99).map(twoDigits), foils: (0...year).map(twoDigits), areBeginnings: true)
    }

    /// What followed a word before follows it again (Olsson et al. 2022): random words, repeated. The corrupt prompt has
    /// another word there the first time.
    static let induction = PatchingTask(
        "induction", "what followed a word before follows again; corrupt: another word followed"
    ) {
        let words = Lexicon.words.shuffled(using: &$0)
        let (length, last) = (10, Int.random(in: 4...8, using: &$0))
        let template =
            words[..<last].joined() + "{A}{B}" + words[last..<length].joined() + words[..<last].joined() + "{again}"
        let (a, b, other) = (words[length], words[length + 1], words[length + 2])
        return PromptDraft(
            clean: Prompt(template, ["A": a, "B": b, "again": a]),
            corrupt: Prompt(template, ["A": a, "B": other, "again": a]), answers: [b], foils: [other])
    }

    /// A verb agrees with its subject, not with the noun beside it (Linzen et al. 2016). The corrupt subject has the other
    /// number.
    static let agreement = PatchingTask("agreement", "a verb agrees with its subject; corrupt: of the other number") {
        let nouns = Lexicon.nouns.shuffled(using: &$0)
        let (isSingular, otherIsSingular) = (Bool.random(using: &$0), Bool.random(using: &$0))
        let preposition = [" near", " behind", " beside", " with", " from"].randomElement(using: &$0)!
        let template = "The{subject}\(preposition) the{other}"
        let other = otherIsSingular ? nouns[1].0 : nouns[1].1
        let numbers = [(nouns[0].0, Lexicon.singularVerbs), (nouns[0].1, Lexicon.pluralVerbs)]
        let (own, opposite) = isSingular ? (numbers[0], numbers[1]) : (numbers[1], numbers[0])
        return PromptDraft(
            clean: Prompt(template, ["subject": own.0, "other": other]),
            corrupt: Prompt(template, ["subject": opposite.0, "other": other]), answers: own.1, foils: opposite.1)
    }

    /// What a model knows of a country: its capital or its language (Meng et al. 2022). The corrupt prompt asks about
    /// another country.
    static let facts = PatchingTask("facts", "a country’s capital or language; corrupt: of another country") {
        let asksCapital = Bool.random(using: &$0)
        let countries = Lexicon.countries.shuffled(using: &$0)
        let fact: ((String, String, String)) -> String = { asksCapital ? $0.1 : $0.2 }
        let template =
            asksCapital ? "The capital of{country} is the city of" : "Most of the people in{country} speak"
        // Another fact too: Austria’s language is no foil for Germany’s.
        let (own, other) = (countries[0], countries.first { fact($0) != fact(countries[0]) }!)
        return PromptDraft(
            clean: Prompt(template, ["country": own.0]), corrupt: Prompt(template, ["country": other.0]),
            answers: [fact(own)], foils: [fact(other)])
    }

    /// A pronoun agrees with the gender that a name suggests (Mathwin et al. 2023). The corrupt name suggests the other.
    static let pronouns = PatchingTask("pronouns", "a pronoun fits its name; corrupt: a name of the other gender") {
        let template = Lexicon.pronounTemplates.randomElement(using: &$0)!
        let people = [
            (Lexicon.women.randomElement(using: &$0)!, " she"), (Lexicon.men.randomElement(using: &$0)!, " he"),
        ].shuffled(using: &$0)
        return PromptDraft(
            clean: Prompt(template, ["name": people[0].0]), corrupt: Prompt(template, ["name": people[1].0]),
            answers: [people[0].1], foils: [people[1].1])
    }

    /// A bracket closes as it was opened. The corrupt one is of another kind.
    static let brackets = PatchingTask("brackets", "a bracket closes as it was opened; corrupt: another kind") {
        let kinds = Lexicon.brackets.shuffled(using: &$0)
        let words = (Lexicon.places + Lexicon.objects).shuffled(using: &$0)
        let template = "The\(words[0]) and the\(words[1]){open} the\(words[2]) of the\(words[3])"
        return PromptDraft(
            clean: Prompt(template, ["open": kinds[0].open]), corrupt: Prompt(template, ["open": kinds[1].open]),
            answers: [kinds[0].close], foils: [kinds[1].close])
    }
}
