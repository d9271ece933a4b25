import PrismCore
import PrismMetrics
import PrismTensor

/// Whether units can be taken away so that a probe forgets what it should not have learned: spurious correlation removal (SCR;
/// Karvonen et al. 2024, SAEBench, after Marks et al. 2024).
///
/// A probe is fitted where two labels always agree, and so learns both. Of either label a probe on data where the other says
/// nothing gives the units to take away, by |(mean inside − mean outside)(w·dᵢ)|. Without the n of the unwanted label, on data
/// of the wanted one,
///
///     SCR(n) = (accuracy without them − accuracy with them) / (accuracy of the wanted label's own probe − accuracy with them)
///
/// and the wanted label is the one that the first probe knows less of.
public struct SpuriousRemoval: Codable, Sendable {
    public struct Trial: Codable, Sendable {
        /// Units taken away.
        public let n: Int
        public let accuracy, score: Double
    }

    /// The label that is to stay, the one that is to go.
    public let wanted, unwanted: String
    public let units: String
    public let isControl: Bool
    /// Of the probe that learned both, on the wanted label; of that label's own probe.
    public let original, clean: Double
    public let trials: [Trial]

    /// Examples of a combination of labels, to fit and to test on, below which nothing is measured.
    static let (leastTrain, leastTest) = (30, 10)
    /// Room below which there is nothing to remove; SAEBench's.
    private static let leastRoom = 0.001

    /// One for each set of units; none where a combination is too rare, or the wanted label was learned as well as it can be.
    /// - examples: with two classes, the labels.
    public static func all(_ examples: LabelledExamples, seed: UInt64, workers: Workers) -> [SpuriousRemoval] {
        precondition(examples.classes.count == 2)
        guard let sides = Sides(examples, seed: seed) else { return [] }
        func probe(_ rows: BalancedRows) -> ActivationProbe {
            ActivationProbe(examples.x, rows: rows.train, labels: rows.labels(rows.train))
        }
        let (biased, own) = (probe(sides.biased), sides.balanced.map(probe))
        let known = sides.balanced.map { biased.quality(examples.x, $0).accuracy }
        let wanted = known[0] < known[1] ? 0 : 1
        let rows = sides.balanced[wanted]
        let clean = own[wanted].quality(examples.x, rows).accuracy
        guard clean - known[wanted] >= leastRoom else { return [] }
        return workers.map(examples.units.count, by: 1) { _, range in
            let units = examples.units[range.lowerBound]
            var scores = AblatedScores(biased, examples, units, rows: rows.test, labels: rows.labels(rows.test))
            let ranked = units.ranked(
                for: own[1 - wanted], ProbeData(units.responses, sides.balanced[1 - wanted]), isSigned: false)
            var removed = 0
            let trials = TargetedPerturbation.sizes.filter { $0 <= units.count }.map { n in
                for unit in ranked.prefix(n).dropFirst(removed) { scores.remove(unit, of: units) }
                removed = min(n, ranked.count)
                let accuracy = scores.accuracy
                return Trial(n: n, accuracy: accuracy, score: (accuracy - known[wanted]) / (clean - known[wanted]))
            }
            return SpuriousRemoval(
                wanted: examples.classes[wanted], unwanted: examples.classes[1 - wanted], units: units.name,
                isControl: units.isControl, original: known[wanted], clean: clean, trials: trials)
        }
    }

    /// As many examples of each combination of the two labels: all four for either label, two for both at once.
    private struct Sides {
        let biased: BalancedRows
        let balanced: [BalancedRows]

        init?(_ examples: LabelledExamples, seed: UInt64) {
            var generator = SeededGenerator(seed: seed, stream: "spurious correlation")
            var cells: [[(train: [Int], test: [Int])]] = []
            for a in [false, true] {
                cells.append(
                    [false, true].map { b in
                        let rows = (0..<examples.count)
                            .filter { examples.isInside[0][$0] == a && examples.isInside[1][$0] == b }
                            .shuffled(using: &generator)
                        return (rows.filter { !examples.isTest[$0] }, rows.filter { examples.isTest[$0] })
                    })
            }
            let train = cells.joined().map(\.train.count).min()!
            let test = cells.joined().map(\.test.count).min()!
            guard train >= leastTrain, test >= leastTest else { return nil }
            func rows(_ chosen: [(Int, Int)], by label: Int) -> BalancedRows {
                BalancedRows(
                    train: chosen.flatMap { cells[$0.0][$0.1].train.prefix(train) }.sorted(),
                    test: chosen.flatMap { cells[$0.0][$0.1].test.prefix(test) }.sorted(),
                    isInside: examples.isInside[label])
            }
            biased = rows([(0, 0), (1, 1)], by: 0)
            balanced = (0..<2).map { rows([(0, 0), (0, 1), (1, 0), (1, 1)], by: $0) }
        }
    }
}
