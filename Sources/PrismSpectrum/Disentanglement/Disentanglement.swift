import PrismMetrics
import PrismTensor

/// What probes and interventions on probes say of a dictionary's latents, its neurons beside them and a dictionary of shuffled
/// weights as what chance gives.
public struct Disentanglement: Codable, Sendable {
    public internal(set) var probing: [TaskProbing] = []
    public internal(set) var perturbation: [TargetedPerturbation] = []
    public internal(set) var removal: [SpuriousRemoval] = []
    public internal(set) var absorption: [Absorption] = []
    /// Whether there were general classes; their probes may still have been too weak.
    public internal(set) var wasAskedForAbsorption = false
    public internal(set) var senses: [SenseSeparation] = []
    public internal(set) var swaps: [AttributeSwap] = []

    public init() {}

    /// Probes a task's classes and, of several, takes each away.
    /// - measuresAbsorption: whether classes are general concepts that more special ones lie inside.
    public mutating func measure(
        _ examples: LabelledExamples, rankings: [UnitRanking] = UnitRanking.allCases, measuresAbsorption: Bool,
        workers: Workers
    ) {
        probing += [TaskProbing(examples, rankings: rankings, workers: workers)].compactMap(\.self)
        perturbation += TargetedPerturbation.all(examples, workers: workers)
        guard measuresAbsorption else { return }
        wasAskedForAbsorption = true
        absorption += Absorption.all(examples, workers: workers)
    }

    /// - examples: with two classes, labels that say nothing of each other.
    public mutating func measurePair(_ examples: LabelledExamples, seed: UInt64, workers: Workers) {
        removal += SpuriousRemoval.all(examples, seed: seed, workers: workers)
    }

    /// - senses: of each example; its word is its class.
    public mutating func measureSenses(_ examples: LabelledExamples, senses: [Int], seed: UInt64) {
        let words = (0..<examples.count).map { row in examples.isInside.firstIndex { $0[row] } ?? -1 }
        self.senses += SenseSeparation.all(examples, words: words, senses: senses, seed: seed)
    }

    public mutating func measureSwaps(
        _ examples: LabelledExamples, _ attributes: [AttributeSwap.Attribute], seed: UInt64, workers: Workers
    ) {
        swaps += AttributeSwap.all(examples, attributes, seed: seed, workers: workers)
    }

    /// The sets of units, in their order.
    public var unitNames: [(name: String, isControl: Bool)] {
        var names: [(String, Bool)] = []
        let all =
            probing.flatMap { $0.results.map { ($0.units, $0.isControl) } }
            + perturbation.map { ($0.units, $0.isControl) }
            + removal.map { ($0.units, $0.isControl) } + senses.map { ($0.units, $0.isControl) }
        for pair in all where !names.contains(where: { $0.0 == pair.0 }) { names.append(pair) }
        return names
    }

    /// Mean over the tasks of what a set of units reaches.
    public func accuracy(_ units: String, _ ranking: UnitRanking = .meanDifference, k: Int) -> Estimate? {
        Self.mean(probing.compactMap { $0.result(units, ranking, k: k)?.accuracy.value })
    }

    public func perturbationScore(_ units: String, n: Int) -> Estimate? {
        Self.mean(perturbation.filter { $0.units == units }.compactMap { $0.trials.first { $0.n == n }?.score.value })
    }

    public func removalScore(_ units: String, n: Int) -> Estimate? {
        Self.mean(removal.filter { $0.units == units }.compactMap { $0.trials.first { $0.n == n }?.score })
    }

    private static func mean(_ values: [Double]) -> Estimate? { values.isEmpty ? nil : Estimate(meanOf: values) }
}
