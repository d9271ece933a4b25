/// The commonest tokens of the text and its commonest pairs of neighbours, a concept each: what many units turn out to mean.
/// A pair's tokens are those that end it.
struct FrequentTokens: Detector {
    let concepts: [Concept]
    private let columnOfToken: [Int32: Int]
    private let columnOfPair: [Pair: Int]

    private struct Pair: Hashable {
        let first, second: Int32
    }

    /// What rarer tokens and pairs there are, a sample of some ten thousand tokens cannot tell units by.
    private static let (tokenCount, pairCount) = (96, 48)
    /// Occurrences below which nothing is said of a unit.
    private static let leastCount = 20

    init(_ text: ObservedText) {
        var pairs: [Pair: Int] = [:]
        for context in text.contexts {
            for (first, second) in zip(context.tokens, context.tokens.dropFirst())
            where text.counts[first] != nil && text.counts[second] != nil {
                pairs[Pair(first: first, second: second), default: 0] += 1
            }
        }
        func commonest<Key>(_ counts: [Key: Int], _ number: Int, order: (Key) -> (Int32, Int32)) -> [Key] {
            counts.filter { $0.value >= Self.leastCount }
                .sorted { ($1.value, order($0.key).0, order($0.key).1) < ($0.value, order($1.key).0, order($1.key).1) }
                .prefix(number).map(\.key)
        }
        let tokens = commonest(text.counts, Self.tokenCount) { ($0, 0) }
        let common = commonest(pairs, Self.pairCount) { ($0.first, $0.second) }
        func name(_ ids: Int32...) -> String { "‘" + ids.map { text.tokenizer.text(of: $0) }.joined() + "’" }
        concepts =
            tokens.map { Concept("token", name($0), "The token \(name($0)), whatever stands around it.") }
            + common.map {
                Concept(
                    "pair", name($0.first) + name($0.second), "The token \(name($0.second)) after \(name($0.first)).")
            }
        columnOfToken = Dictionary(uniqueKeysWithValues: tokens.enumerated().map { ($1, $0) })
        columnOfPair = Dictionary(uniqueKeysWithValues: common.enumerated().map { ($1, $0 + tokens.count) })
    }

    func score(_ text: ContextText, _ scores: Scores) {
        let tokens = text.context.tokens
        for (place, id) in tokens.enumerated() {
            if let column = columnOfToken[id] { scores[place, column] = 1 }
            guard place > 0, let column = columnOfPair[Pair(first: tokens[place - 1], second: id)] else { continue }
            scores[place, column] = 1
        }
    }
}
