import PrismActivations
import PrismCore

extension LabelledText {
    /// Examples of one word among those of a letter, so that a letter is no list of words.
    private static let perWord = 5
    /// Occurrences of a word in either sense.
    private static let (leastSense, mostSense) = (5, 20)
    /// Examples of a cell of attributes at most.
    private static let cellSize = 60
    /// Contexts of a combination of two labels to fit on, and to test on, at least.
    private static let leastCell = (train: 30, test: 10)
    /// Pairs of labels at most.
    private static let pairLimit = 5

    /// Contexts by the concept of a family that most of their tokens belong to.
    func family(_ family: String, as name: String? = nil) -> TextTask? {
        task(
            name ?? family,
            concepts(of: family).map { concept in
                let own = pool.filter { isMostly($0, concept) }
                let kind = labeller.concepts[concept].name.drop { $0 != ":" }.dropFirst(2)
                return (String(kind), own.map { (.init(context: $0, position: nil), isTest($0)) })
            })
    }

    /// Tokens inside each concept of a family, and those of the same contexts that are in none.
    func tokens(of family: String, as name: String) -> TextTask? {
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
        return task(name, members)
    }

    /// English words by their first letter; words are tested on that nothing was fitted on.
    func letters() -> TextTask? {
        var (members, counts) = ([Character: [(TextTask.Example, isTest: Bool)]](), [String: Int]())
        guard let english = concept("language: English") else { return nil }
        for context in pool where isMostly(context, english) {
            for word in words[context] where word.casing == 0 && word.text.count > 2 {
                counts[word.text, default: 0] += 1
                guard counts[word.text]! <= Self.perWord else { continue }
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
        for context in contexts.indices where isMostly(context, english) {
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
                if cells.allSatisfy({ isEnough($0, train: Self.leastCell.train, test: Self.leastCell.test) }) {
                    candidates.append((a, b, cells.map(\.count).min()!))
                }
            }
        }
        var (tasks, taken) = ([TextTask](), Set<Int>())
        for pair in candidates.sorted(by: { ($1.least, $0.a, $0.b) < ($0.least, $1.a, $1.b) })
        where !taken.contains(pair.a) && !taken.contains(pair.b) && tasks.count < Self.pairLimit {
            taken.formUnion([pair.a, pair.b])
            let names = [pair.a, pair.b].map { labeller.concepts[labels[$0]].name }
            var generator = generator(names.joined())
            var counts = [0, 0, 0, 0]
            let chosen = pool.shuffled(using: &generator).filter { context in
                let cell = (members[pair.a][context] ? 2 : 0) + (members[pair.b][context] ? 1 : 0)
                counts[cell] += 1
                return counts[cell] <= Self.classSize
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
                for own in words[context] where own.text == word && found[isEnglish ? 0 : 1].count < Self.mostSense {
                    found[isEnglish ? 0 : 1].append(.init(context: context, position: own.position))
                }
            }
            guard found.allSatisfy({ $0.count >= Self.leastSense }) else { continue }
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
            own.shuffled(using: &generator).prefix(Self.cellSize).map { (cell, $0.0, $0.isTest) }
        }
        guard isEnough(chosen.map(\.2)), chosen.count >= 4 * Self.leastTrain else { return nil }
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
