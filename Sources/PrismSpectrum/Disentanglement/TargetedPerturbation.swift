import PrismMetrics
import PrismTensor

/// Whether units can be taken away so that one class is forgotten and no other: targeted probe perturbation (TPP; Karvonen et
/// al. 2024, SAEBench).
///
/// Of class c a linear probe w is fitted on activations. Its units are those of largest effect, (mean inside − mean outside)₊
/// (w·dᵢ); with the n largest taken away,
///
///     TPP(n) = mean over c of (accuracy that c's probe loses − mean over c′ ≠ c of what the probe of c′ loses)
public struct TargetedPerturbation: Codable, Sendable {
    public struct Trial: Codable, Sendable {
        /// Units taken away.
        public let n: Int
        /// What is lost: by the class's own probe, by the others on average, and the difference. Means over the classes.
        public let intended, unintended, score: Estimate
    }

    public let task, units: String
    public let isControl: Bool
    public let trials: [Trial]

    /// The n that are tried, SAEBench's.
    public static let sizes = [2, 5, 10, 20, 50, 100, 500]

    /// One for each set of units; none for fewer than two classes with enough examples.
    public static func all(_ examples: LabelledExamples, workers: Workers) -> [TargetedPerturbation] {
        let rows = examples.balancedRows.compactMap(\.self)
        guard rows.count > 1 else { return [] }
        let probes = workers.map(rows.count, by: 1) { _, range in
            let rows = rows[range.lowerBound]
            return ActivationProbe(examples.x, rows: rows.train, labels: rows.labels(rows.train))
        }
        return examples.units.map { units in
            let clean = zip(rows, probes).map { rows, probe in
                AblatedScores(probe, examples, units, rows: rows.test, labels: rows.labels(rows.test))
            }
            let losses = workers.map(rows.count, by: 1) { _, range in
                let target = range.lowerBound
                let ranked = units.ranked(for: probes[target], ProbeData(units.responses, rows[target]), isSigned: true)
                return Self.losses(ranked, of: units, clean)
            }
            return TargetedPerturbation(
                task: examples.name, units: units.name, isControl: units.isControl,
                trials: sizes.indices.filter { sizes[$0] <= units.count }.map { place in
                    let intended = losses.indices.map { losses[$0][place][$0] }
                    let unintended = losses.indices.map { target in
                        let others = losses[target][place].enumerated().filter { $0.offset != target }.map(\.element)
                        return others.reduce(0, +) / Double(others.count)
                    }
                    return Trial(
                        n: sizes[place], intended: Estimate(meanOf: intended), unintended: Estimate(meanOf: unintended),
                        score: Estimate(meanOf: zip(intended, unintended).map(-)))
                })
        }
    }

    /// What each probe loses, [sizes][probes].
    private static func losses(_ ranked: [Int], of units: ExampleUnits, _ clean: [AblatedScores]) -> [[Double]] {
        var (scores, removed) = (clean, 0)
        let before = clean.map(\.accuracy)
        return sizes.map { size in
            for unit in ranked.prefix(size).dropFirst(removed) {
                for place in scores.indices { scores[place].remove(unit, of: units) }
            }
            removed = min(size, ranked.count)
            return zip(before, scores.map(\.accuracy)).map(-)
        }
    }
}

extension ExampleUnits {
    /// Units by their effect on what a probe says, the largest first, those without any left out.
    /// - isSigned: count only what speaks for the class, (mean inside − mean outside)₊ (w·dᵢ); else the absolute value of
    ///   the product without ₊.
    func ranked(for probe: ActivationProbe, _ data: ProbeData, isSigned: Bool) -> [Int] {
        let products = effects(on: probe.weights)
        let effects = (0..<count).map { unit in
            let difference = data.inside.mean(unit) - data.outside.mean(unit)
            return isSigned ? max(0, difference) * products[unit] : abs(difference * products[unit])
        }
        return effects.indices.filter { effects[$0] != 0 }.sorted { (effects[$0], $1) > (effects[$1], $0) }
    }
}
