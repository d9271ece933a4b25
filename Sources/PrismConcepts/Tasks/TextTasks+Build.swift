import PrismActivations
import PrismCore
import PrismModels
import PrismTensor

extension TextTasks {
    /// Looks for tasks in contexts.
    /// - contexts: best as many of each source. labeller: made for them.
    /// - Throws: `PrismError.badData` if there is nothing to ask.
    public init(
        _ contexts: [TokenContext], labeller: ConceptLabeller, tokenizer: Tokenizer, seed: UInt64, workers: Workers
    ) throws {
        var text = LabelledText(contexts, labeller, tokenizer, seed: seed, workers: workers)
        var found = [
            text.family("language"), text.family("code", as: "programming language"), text.family("source"),
        ].compactMap(\.self)
        // The other tasks ask about contexts that are read anyway.
        if !found.isEmpty { text.pool = Set(found.flatMap { $0.examples.map(\.context) }).sorted() }
        let masked = text.maskedSentiment()
        if let masked { found.append(masked.task) }
        found += [text.tokens(of: "inside", as: "in quotes or brackets"), text.letters()].compactMap(\.self)
        let (pairs, senses, attributes) = (text.pairs(), text.senses(), text.attributes())
        guard !found.isEmpty else {
            throw PrismError.badData(
                "the text holds too few examples of any class to probe for: give more text, of several languages, sources or kinds"
            )
        }
        // Only what is asked about has to be read by the model.
        let all = contexts + (masked?.contexts ?? [])
        let tasks = found + pairs + [senses?.task, attributes?.task].compactMap(\.self)
        let used = Set(tasks.flatMap { $0.examples.map(\.context) }).sorted()
        let places = Dictionary(uniqueKeysWithValues: used.enumerated().map { ($1, $0) })
        func moved(_ task: TextTask) -> TextTask {
            TextTask(
                name: task.name, classes: task.classes,
                examples: task.examples.map { .init(context: places[$0.context]!, position: $0.position) },
                isInside: task.isInside, isTest: task.isTest)
        }
        self.contexts = used.map { all[$0] }
        classifications = found.map(moved)
        self.pairs = pairs.map(moved)
        self.senses = senses.map { (moved($0.task), $0.senses) }
        self.attributes = attributes.map { (moved($0.task), $0.attributes) }
    }
}
