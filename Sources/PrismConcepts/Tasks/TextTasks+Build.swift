import PrismActivations
import PrismCore
import PrismModels
import PrismTensor

extension TextTasks {
    /// Examples of a class, and of a cell of attributes, at most.
    private static let (classSize, cellSize) = (100, 60)
    /// Examples of a class to fit on, and to test on, at least.
    private static let (leastTrain, leastTest) = (48, 12)
    private static let classLimit = 6
    /// Examples of one word among those of a letter, so that a letter is no list of words.
    private static let perWord = 5
    /// Occurrences of a word in either sense.
    private static let (leastSense, mostSense) = (5, 20)
    /// Share of a context's tokens that makes it one of a concept's.
    private static let majority = 0.5

    /// Looks for tasks in contexts.
    /// - contexts: best as many of each source. labeller: made for them.
    /// - Throws: `PrismError.badData` if there is nothing to ask.
    public init(
        _ contexts: [TokenContext], labeller: ConceptLabeller, tokenizer: Tokenizer, seed: UInt64, workers: Workers
    ) throws {
        var text = LabelledText(contexts, labeller, tokenizer, seed: seed, workers: workers)
        var found = [text.family("language"), text.family("code"), text.family("source")].compactMap(\.self)
        // The other tasks ask about contexts that are read anyway.
        if !found.isEmpty { text.pool = Set(found.flatMap { $0.examples.map(\.context) }).sorted() }
        let masked = text.maskedSentiment()
        if let masked { found.append(masked.task) }
        found += [text.tokens(of: "inside"), text.letters()].compactMap(\.self)
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

    /// Contexts with what share of each belongs to each concept.
    private struct LabelledText {
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

        private func concepts(of family: String) -> [Int] {
            labeller.concepts.indices.filter { labeller.concepts[$0].family == family }
        }

        private func concept(_ name: String) -> Int? { labeller.concepts.firstIndex { $0.name == name } }

        /// Whether most of a context belongs to a concept, or to one of a family.
        private func isMostly(_ context: Int, _ concept: Int) -> Bool { shares[context][concept] >= majority }

        /// A draw that depends on the name alone: one in four is tested on.
        private func isTest(_ name: String) -> Bool {
            var generator = SeededGenerator(seed: seed, stream: "test \(name)")
            return generator.uniform() < 0.25
        }

        /// Whether examples suffice on both sides.
        private func isEnough(_ isTest: [Bool]) -> Bool {
            isTest.count { !$0 } >= leastTrain && isTest.count { $0 } >= leastTest
        }

        private func isTest(_ context: Int) -> Bool { isTest("document \(contexts[context].document)") }

        private func generator(_ name: String) -> SeededGenerator {
            SeededGenerator(seed: seed, stream: "examples \(name)")
        }

        /// A task of examples that are in one class each; the classes with most examples, as many of each as there are of the
        /// smallest among them or `classSize`.
        private func task(
            _ name: String, _ members: [(name: String, examples: [(TextTask.Example, isTest: Bool)])],
            limit: Int = classLimit
        ) -> TextTask? {
            var generator = generator(name)
            let classes = members.filter { isEnough($0.examples.map(\.isTest)) }
                .sorted { ($1.examples.count, $0.name) < ($0.examples.count, $1.name) }.prefix(limit)
                .sorted { $0.name < $1.name }
            guard classes.count > 1 else { return nil }
            let chosen = classes.map { $0.examples.shuffled(using: &generator).prefix(classSize) }
            return TextTask(
                name: name, classes: classes.map(\.name), examples: chosen.joined().map(\.0),
                isInside: chosen.indices.map { own in
                    chosen.indices.flatMap { repeatElement($0 == own, count: chosen[$0].count) }
                },
                isTest: chosen.joined().map(\.isTest))
        }

        /// Contexts by the concept of a family that most of their tokens belong to.
        func family(_ family: String) -> TextTask? {
            task(
                family,
                concepts(of: family).map { concept in
                    let own = pool.filter { isMostly($0, concept) }
                    let kind = labeller.concepts[concept].name.drop { $0 != ":" }.dropFirst(2)
                    return (String(kind), own.map { (.init(context: $0, position: nil), isTest($0)) })
                })
        }

        /// Tokens inside each concept of a family, and those of the same contexts that are in none.
        func tokens(of family: String) -> TextTask? {
            let concepts = concepts(of: family)
            var members = concepts.map {
                (name: labeller.concepts[$0].name, examples: [(TextTask.Example, isTest: Bool)]())
            }
            members.append(("none", []))
            for context in pool where concepts.contains(where: { shares[context][$0] > 0 }) {
                let scores = labeller.scores(contexts[context])
                for position in contexts[context].positions {
                    let own = concepts.indices.filter { scores[Int(position)][concepts[$0]] > 0 }
                    guard own.count < 2 else { continue }
                    members[own.first ?? concepts.count].examples.append(
                        (.init(context: context, position: position), isTest(context)))
                }
            }
            return task(family, members)
        }

        /// English words by their first letter; words are tested on that nothing was fitted on.
        func letters() -> TextTask? {
            var (members, counts) = ([Character: [(TextTask.Example, isTest: Bool)]](), [String: Int]())
            guard let english = concept("language: English") else { return nil }
            for context in pool where isMostly(context, english) {
                for word in words[context] where word.casing == 0 && word.text.count > 2 {
                    counts[word.text, default: 0] += 1
                    guard counts[word.text]! <= perWord else { continue }
                    members[word.text.first!, default: []].append(
                        (.init(context: context, position: word.position), isTest("word \(word.text)")))
                }
            }
            return task(
                TextTasks.letters, members.map { (String($0.key), $0.value) }.sorted { $0.0 < $1.0 }, limit: 26)
        }

        /// English contexts with kind or with unkind words but not both, the words themselves replaced: what is around them
        /// must tell.
        func maskedSentiment() -> (task: TextTask, contexts: [TokenContext])? {
            guard let english = concept("language: English"),
                let mask = tokenizer.encode(" …", allowSpecial: false).last
            else { return nil }
            var (masked, members) = ([TokenContext](), [[(TextTask.Example, isTest: Bool)]](repeating: [], count: 2))
            for context in pool where isMostly(context, english) {
                let hits = Sentiment.lists.map { list in
                    words[context].filter { list.contains($0.text.lowercased()) }.map(\.position)
                }
                guard let kind = hits.indices.first(where: { !hits[$0].isEmpty && hits[1 - $0].isEmpty }) else {
                    continue
                }
                let old = contexts[context]
                var tokens = old.tokens
                for position in hits[kind] { tokens[Int(position)] = mask }
                members[kind].append(
                    (.init(context: contexts.count + masked.count, position: nil), isTest(context)))
                masked.append(
                    TokenContext(
                        tokens: tokens, document: old.document, offset: old.offset,
                        positions: old.positions.filter { !hits[kind].contains($0) }))
            }
            return task("sentiment, its words masked", Array(zip(["kind", "unkind"], members))).map { ($0, masked) }
        }

        /// Concepts that some contexts hold and others do not, two by two, those of which every combination is commonest.
        func pairs() -> [TextTask] {
            let families = ["inside", "number", "casing", "link", "markup", "symbol"]
            let labels = families.flatMap(concepts) + ["language: English"].compactMap(concept)
            func has(_ context: Int, _ concept: Int) -> Bool {
                labeller.concepts[concept].family == "language"
                    ? isMostly(context, concept) : shares[context][concept] > 0
            }
            let members = labels.map { label in contexts.indices.map { has($0, label) } }
            var candidates: [(a: Int, b: Int, least: Int)] = []
            let sides = pool.map(isTest)
            for a in labels.indices {
                for b in 0..<a where labeller.concepts[labels[a]].family != labeller.concepts[labels[b]].family {
                    var cells = [[Bool]](repeating: [], count: 4)
                    for (context, side) in zip(pool, sides) {
                        cells[(members[a][context] ? 2 : 0) + (members[b][context] ? 1 : 0)].append(side)
                    }
                    if cells.allSatisfy(isEnough) { candidates.append((a, b, cells.map(\.count).min()!)) }
                }
            }
            var (tasks, taken) = ([TextTask](), Set<Int>())
            for pair in candidates.sorted(by: { ($1.least, $0.a, $0.b) < ($0.least, $1.a, $1.b) })
            where !taken.contains(pair.a) && !taken.contains(pair.b) && tasks.count < TextTasks.pairLimit {
                taken.formUnion([pair.a, pair.b])
                let names = [pair.a, pair.b].map { labeller.concepts[labels[$0]].name }
                var generator = generator(names.joined())
                var counts = [0, 0, 0, 0]
                let chosen = pool.shuffled(using: &generator).filter { context in
                    let cell = (members[pair.a][context] ? 2 : 0) + (members[pair.b][context] ? 1 : 0)
                    counts[cell] += 1
                    return counts[cell] <= classSize
                }
                tasks.append(
                    TextTask(
                        name: names.joined(separator: " and "), classes: names,
                        examples: chosen.map { .init(context: $0, position: nil) },
                        isInside: [pair.a, pair.b].map { label in chosen.map { members[label][$0] } },
                        isTest: chosen.map(isTest)))
            }
            return tasks
        }

        /// Words of `WordSenses` in contexts of either sense.
        func senses() -> (task: TextTask, senses: [Int])? {
            guard let english = concept("language: English") else { return nil }
            var (names, examples, ofWord, senses) = ([String](), [TextTask.Example](), [Int](), [Int]())
            for (word, other) in WordSenses.all {
                let others =
                    other == "code" ? concepts(of: "code") : [concept("language: \(other)")].compactMap(\.self)
                var found: [[TextTask.Example]] = [[], []]
                for context in pool {
                    let isEnglish = isMostly(context, english)
                    guard isEnglish || others.contains(where: { isMostly(context, $0) }) else { continue }
                    for own in words[context] where own.text == word && found[isEnglish ? 0 : 1].count < mostSense {
                        found[isEnglish ? 0 : 1].append(.init(context: context, position: own.position))
                    }
                }
                guard found.allSatisfy({ $0.count >= leastSense }) else { continue }
                for sense in 0..<2 {
                    examples += found[sense]
                    ofWord += repeatElement(names.count, count: found[sense].count)
                    senses += repeatElement(sense, count: found[sense].count)
                }
                names.append(word)
            }
            guard names.count > 1 else { return nil }
            let task = TextTask(
                name: "word senses", classes: names, examples: examples,
                isInside: names.indices.map { word in ofWord.map { $0 == word } },
                isTest: examples.map { isTest($0.context) })
            return (task, senses)
        }

        /// Words with a language, a casing and a first letter, as many of each combination as can be had.
        func attributes() -> (task: TextTask, attributes: [(name: String, values: [Int])])? {
            let languages = concepts(of: "language").map { language in
                (language, pool.filter { isMostly($0, language) && !words[$0].isEmpty })
            }.sorted { $0.1.reduce(0) { $0 + words[$1].count } > $1.1.reduce(0) { $0 + words[$1].count } }.prefix(4)
            var cells: [[Int]: [(TextTask.Example, isTest: Bool)]] = [:]
            var letters: [Character: Int] = [:]
            for word in languages.flatMap({ $0.1.flatMap { words[$0] } }) { letters[word.initial, default: 0] += 1 }
            let common = letters.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(5).map(\.key)
            guard languages.count > 1, common.count > 1 else { return nil }
            let values = [
                languages.map { labeller.concepts[$0.0].name }, ["lower case", "capitalised"],
                common.map { "letter \($0)" },
            ]
            for (place, (_, contexts)) in languages.enumerated() {
                for context in contexts {
                    for word in words[context] {
                        guard let letter = common.firstIndex(of: word.initial), let casing = word.casing else {
                            continue
                        }
                        cells[[place, casing, letter], default: []].append(
                            (.init(context: context, position: word.position), isTest(context)))
                    }
                }
            }
            var generator = generator("attributes")
            let chosen = cells.sorted { $0.key.lexicographicallyPrecedes($1.key) }.flatMap { cell, own in
                own.shuffled(using: &generator).prefix(cellSize).map { (cell, $0.0, $0.isTest) }
            }
            guard isEnough(chosen.map(\.2)), chosen.count >= 4 * leastTrain else { return nil }
            let starts = [0, values[0].count, values[0].count + values[1].count]
            let task = TextTask(
                name: "words", classes: values.flatMap(\.self), examples: chosen.map(\.1),
                isInside: values.indices.flatMap { a in
                    values[a].indices.map { value in chosen.map { $0.0[a] == value } }
                }, isTest: chosen.map(\.2))
            let names = ["language", "casing", "first letter"]
            return (task, names.indices.map { a in (names[a], values[a].indices.map { starts[a] + $0 }) })
        }
    }

    /// Pairs of labels at most.
    private static let pairLimit = 5
}
