import PrismMetrics
import PrismTensor

/// Where one unit stands between polysemantic and monosemantic.
public struct UnitMetrics: Codable, Sendable {
    public let unit: Int
    /// Share of the vectors with a response above zero.
    public let density: Double
    /// Largest border of the intervals that its responses fill; nil of controls.
    public let largest: Double?
    /// How alike the inputs are that it responds to (Pach et al. 2025): over pairs of inputs of one group of contexts,
    /// Σ rᵢ rⱼ eᵢ·eⱼ / Σ rᵢ rⱼ, e the unit vector of the activation without its mean. 0 for inputs that have no more in common
    /// than any two, 1 for equal ones. Nil for fewer than 2 responses, and with permuted labels, which change nothing of it.
    public let coherence: Estimate?
    /// Nil for fewer responses than `leastFirings`.
    public let profile: ConceptProfile?
    /// The concept that it goes with best, by correlation.
    public let detection: Detection?
    /// Strong responses inside the concepts that make it respond, up to two for each of the first `exampleConcepts`.
    public let examples: [UnitExample]

    static let exampleConcepts = 6
    /// Responses below which nothing is said about concepts.
    public static let leastFirings = 30
}

/// A strong response of a unit inside a concept.
public struct UnitExample: Codable, Hashable, Sendable {
    public let concept: Int
    public let value: Float
    /// The context's number, and the position in it.
    public let context, position: Int
}

/// A token with what stands around it.
public struct TextExcerpt: Codable, Hashable, Sendable {
    public let before, token, after: String

    public init(before: String, token: String, after: String) {
        (self.before, self.token, self.after) = (before, token, after)
    }
}

extension UnitTally {
    private func examples(_ unit: Int, _ concepts: [Int]) -> [UnitExample] {
        concepts.flatMap { concept in
            (0..<2).map { peaks[unit][2 * concept + $0] }.filter { $0.context > 0 }.map {
                UnitExample(
                    concept: concept, value: $0.value, context: Int($0.context) - 1, position: Int($0.position))
            }
        }
    }

    /// - moments: of the concepts, on everything and without each group.
    func metrics(_ unit: Int, _ moments: ConceptMoments, without: [ConceptMoments]) -> UnitMetrics {
        let all = sums(unit)
        let left = groups.indices.map { left in sums(unit) { $0 != left } }
        func coherence(_ sums: Sums) -> Double { sums.pairs > 0 ? sums.alike / sums.pairs : 0 }
        let isEnough = all.firings >= Double(UnitMetrics.leastFirings)
        let profile =
            isEnough
            ? ConceptProfile(
                response(unit, moments),
                without: groups.indices.map { left in response(unit, without[left]) { $0 != left } })
            : nil
        let detection =
            isEnough ? bestConcept(unit, moments).map { self.detection(unit, $0, moments, without: without) } : nil
        let shown = profile?.shares.prefix(UnitMetrics.exampleConcepts).map(\.concept) ?? []
        return UnitMetrics(
            unit: unit, density: all.firings / moments.rows,
            largest: hasDetail ? (all.firings > 0 ? width(unit) * Double(Self.binCount) : 0) : nil,
            coherence: all.firings < 2 || !hasCoherence
                ? nil : Jackknife.estimate(coherence(all), without: left.map(coherence)),
            profile: profile, detection: detection,
            examples: !hasDetail
                ? [] : examples(unit, shown.isEmpty ? (detection.map { [$0.concept] } ?? []) : shown))
    }
}
