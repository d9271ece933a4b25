import PrismCore
import PrismMetrics
import PrismTensor

/// Whether a unit tells the senses of a word apart: PS-Eval (Minegishi et al. 2025).
///
/// Two occurrences of one word are said to be of the same sense if the same unit responds most to both. Over as many pairs of
/// the same as of different senses, ½ is chance; a set of units whose strongest unit is the word's own whatever its sense has
/// a recall of 1 and a specificity of 0, one whose strongest unit is never the same twice the reverse.
public struct SenseSeparation: Codable, Sendable {
    public let units: String
    public let isControl: Bool
    public let words, pairs: Int
    /// Same sense and said so, and so on.
    public let truePositives, falsePositives, trueNegatives, falseNegatives: Int

    public var accuracy: Double { ratio(truePositives + trueNegatives, pairs) }
    public var precision: Double { ratio(truePositives, truePositives + falsePositives) }
    /// Share of the pairs of the same sense that are found.
    public var recall: Double { ratio(truePositives, truePositives + falseNegatives) }
    /// Share of the pairs of different senses that are told apart.
    public var specificity: Double { ratio(trueNegatives, trueNegatives + falsePositives) }
    public var f1: Double { ratio(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives) }

    private func ratio(_ over: Int, _ under: Int) -> Double { under == 0 ? 0 : Double(over) / Double(under) }

    /// Pairs of either kind for each word at most.
    private static let pairsPerWord = 100

    /// One for each set of units.
    /// - words: of each example. senses: which of a word's senses it has.
    public static func all(
        _ examples: LabelledExamples, words: [Int], senses: [Int], seed: UInt64
    ) -> [SenseSeparation] {
        precondition(words.count == examples.count && senses.count == examples.count)
        var generator = SeededGenerator(seed: seed, stream: "pairs of senses")
        var pairs: [(a: Int, b: Int, isSame: Bool)] = []
        for word in Set(words).sorted() {
            let own = words.indices.filter { words[$0] == word }
            var (same, different) = ([(Int, Int)](), [(Int, Int)]())
            for (place, a) in own.enumerated() {
                for b in own[..<place] {
                    if senses[a] == senses[b] { same.append((a, b)) } else { different.append((a, b)) }
                }
            }
            let count = min(pairsPerWord, same.count, different.count)
            pairs += same.shuffled(using: &generator).prefix(count).map { ($0.0, $0.1, true) }
            pairs += different.shuffled(using: &generator).prefix(count).map { ($0.0, $0.1, false) }
        }
        guard !pairs.isEmpty else { return [] }
        return examples.units.map { units in
            let strongest = units.strongest
            func count(isSame: Bool, saidSame: Bool) -> Int {
                pairs.count { $0.isSame == isSame && (strongest[$0.a] == strongest[$0.b]) == saidSame }
            }
            return SenseSeparation(
                units: units.name, isControl: units.isControl, words: Set(words).count, pairs: pairs.count,
                truePositives: count(isSame: true, saidSame: true),
                falsePositives: count(isSame: false, saidSame: true),
                trueNegatives: count(isSame: false, saidSame: false),
                falseNegatives: count(isSame: true, saidSame: false))
        }
    }
}

extension ExampleUnits {
    /// Of each example the unit that responds most.
    fileprivate var strongest: [Int] {
        var (best, unit) = (
            [Float](repeating: -.infinity, count: responses.rowCount), [Int](repeating: -1, count: responses.rowCount)
        )
        for i in 0..<count {
            responses.withColumn(i) { rows, values in
                for (row, value) in zip(rows, values) where value > best[Int(row)] {
                    (best[Int(row)], unit[Int(row)]) = (value, i)
                }
            }
        }
        return unit
    }
}
