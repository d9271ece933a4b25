import PrismActivations
import PrismCore
import PrismModels
import PrismTensor

/// Contexts with what share of each belongs to each concept.
struct LabelledText {
    /// Examples of a class at most.
    static let classSize = 120
    /// Examples of a class to fit on, and to test on, at least.
    static let (leastTrain, leastTest) = (48, 12)
    static let classLimit = 6
    /// Share of a context's tokens that makes it one of a concept's.
    private static let majority = 0.5

    let contexts: [TokenContext]
    let labeller: ConceptLabeller
    let tokenizer: Tokenizer
    let seed: UInt64
    /// Share of the used positions in each concept, [contexts][concepts].
    let shares: [[Double]]
    let words: [[Word]]
    /// The contexts to take examples from.
    var pool: [Int]

    /// A word that is one token.
    struct Word {
        let position: Int32
        let text: String

        var initial: Character { Character(text.prefix(1).lowercased()) }
        /// 0 in lower case, 1 capitalised, nil otherwise.
        var casing: Int? {
            guard text.dropFirst() == text.dropFirst().lowercased() else { return nil }
            return text.first == initial ? 0 : 1
        }
    }

    init(
        _ contexts: [TokenContext], _ labeller: ConceptLabeller, _ tokenizer: Tokenizer, seed: UInt64,
        workers: Workers
    ) {
        (self.contexts, self.labeller, self.tokenizer, self.seed) = (contexts, labeller, tokenizer, seed)
        let progress = Progress("labelling", total: contexts.count, unit: "contexts")
        shares = workers.map(contexts.count, by: 1) { _, range in
            let context = contexts[range.lowerBound]
            let scores = labeller.scores(context)
            progress.advance()
            return (0..<labeller.concepts.count).map { concept in
                let inside = context.positions.count { scores[Int($0)][concept] > 0 }
                return Double(inside) / Double(max(1, context.positions.count))
            }
        }
        progress.finish()
        pool = Array(contexts.indices)
        words = contexts.map { context in
            let texts = context.tokens.map { tokenizer.text(of: $0) }
            return context.positions.compactMap { position in
                let place = Int(position)
                let text = texts[place]
                let letters = text.hasPrefix(" ") ? String(text.dropFirst()) : ""
                let isWhole = place + 1 == texts.count || !(texts[place + 1].first?.isLetter ?? false)
                guard letters.count > 1, isWhole, letters.allSatisfy({ $0.isLetter && $0.isASCII }) else {
                    return nil
                }
                return Word(position: position, text: letters)
            }
        }
    }

    func concepts(of family: String) -> [Int] {
        labeller.concepts.indices.filter { labeller.concepts[$0].family == family }
    }

    func concept(_ name: String) -> Int? { labeller.concepts.firstIndex { $0.name == name } }

    /// Whether most of a context belongs to a concept, or to one of a family.
    func isMostly(_ context: Int, _ concept: Int) -> Bool { shares[context][concept] >= Self.majority }

    /// A draw that depends on the name alone: one in four is tested on.
    func isTest(_ name: String) -> Bool {
        var generator = SeededGenerator(seed: seed, stream: "test \(name)")
        return generator.uniform() < 0.25
    }

    /// Whether examples suffice on both sides.
    func isEnough(_ isTest: [Bool], train: Int = leastTrain, test: Int = leastTest) -> Bool {
        isTest.count { !$0 } >= train && isTest.count { $0 } >= test
    }

    func isTest(_ context: Int) -> Bool { isTest("document \(contexts[context].document)") }

    func generator(_ name: String) -> SeededGenerator {
        SeededGenerator(seed: seed, stream: "examples \(name)")
    }

    /// A task of examples that are in one class each: the classes with most examples, up to `classSize` of each.
    func task(
        _ name: String, _ members: [(name: String, examples: [(TextTask.Example, isTest: Bool)])],
        limit: Int = classLimit
    ) -> TextTask? {
        var generator = generator(name)
        let classes = members.filter { isEnough($0.examples.map(\.isTest)) }
            .sorted { ($1.examples.count, $0.name) < ($0.examples.count, $1.name) }.prefix(limit)
            .sorted { $0.name < $1.name }
        guard classes.count > 1 else { return nil }
        let chosen = classes.map { $0.examples.shuffled(using: &generator).prefix(Self.classSize) }
        return TextTask(
            name: name, classes: classes.map(\.name), examples: chosen.joined().map(\.0),
            isInside: chosen.indices.map { own in
                chosen.indices.flatMap { repeatElement($0 == own, count: chosen[$0].count) }
            },
            isTest: chosen.joined().map(\.isTest))
    }
}
