import Foundation
import PrismMetrics

/// A unit as a detector of a concept.
public struct Detection: Codable, Hashable, Sendable {
    public let concept: Int
    /// Pearson's correlation of the response with the concept's score.
    public let correlation: Estimate
    /// Share of the response's mass that falls inside the concept.
    public let massInside: Double
    /// Of the threshold on the response, among the borders of the intervals, at which F1 is largest: share of the vectors
    /// above it that are inside the concept, share of the concept above it, and their harmonic mean. Nil of controls.
    public let precision, recall, f1: Double?
}

/// How a unit's precision for a concept grows with its response: one interval.
public struct SpecificityInterval: Codable, Hashable, Sendable {
    /// The interval's borders.
    public let from, to: Double
    public let vectors: Int
    /// Share of these vectors inside the concept.
    public let inside: Double
}

extension UnitTally {
    /// Sums over some groups.
    func sums(_ unit: Int, where isUsed: (Int) -> Bool = { _ in true }) -> Sums {
        groups.indices.reduce(into: Sums()) { total, group in
            guard isUsed(group) else { return }
            let sums = groups[group].sums[unit].pointee
            total.firings += sums.firings
            total.mass += sums.mass
            total.squares += sums.squares
            total.alike += sums.alike
            total.pairs += sums.pairs
        }
    }

    func total(_ part: KeyPath<Group, Grid<Float>>, _ unit: Int, where isUsed: (Int) -> Bool = { _ in true })
        -> [Double]
    {
        var total = [Double](repeating: 0, count: concepts)
        for group in groups.indices where isUsed(group) {
            let row = groups[group][keyPath: part][unit]
            for c in 0..<concepts { total[c] += Double(row[c]) }
        }
        return total
    }

    /// A unit's response and the concepts, over some groups. - concepts: over the same.
    func response(
        _ unit: Int, _ concepts: ConceptMoments, where isUsed: (Int) -> Bool = { _ in true }
    ) -> ResponseMoments {
        let sums = sums(unit, where: isUsed)
        let mean = sums.mass / concepts.rows
        return ResponseMoments(
            variance: sums.squares / concepts.rows - mean * mean,
            covariances: zip(total(\.products, unit, where: isUsed), concepts.means).map {
                $0 / concepts.rows - mean * $1
            }, concepts: concepts)
    }

    /// Interval borders of a unit's bins.
    func width(_ unit: Int) -> Double {
        Double(sign: .plus, exponent: Int(exponents[unit].pointee) - 1004, significand: 1)
    }

    func specificity(_ unit: Int, concept: Int) -> [SpecificityInterval] {
        guard hasDetail else { return [] }
        let width = width(unit)
        return (0..<Self.binCount).compactMap { bin in
            let vectors = Int(binTotals[unit][bin])
            guard vectors > 0 else { return nil }
            return SpecificityInterval(
                from: Double(bin) * width, to: Double(bin + 1) * width, vectors: vectors,
                inside: Double(binCounts[unit][bin * concepts + concept]) / Double(vectors))
        }
    }

    /// The concept that a unit goes with best.
    func bestConcept(_ unit: Int, _ moments: ConceptMoments) -> Int? {
        let response = response(unit, moments)
        let correlations = (0..<concepts).map(response.correlation)
        return correlations.indices.max { correlations[$0] < correlations[$1] }
    }

    /// A concept's detection by a unit.
    /// - without: the concepts' moments without each group.
    func detection(_ unit: Int, _ concept: Int, _ moments: ConceptMoments, without: [ConceptMoments]) -> Detection {
        let mass = sums(unit).mass
        var best: (precision: Double, recall: Double, f1: Double)?
        if hasDetail {
            var (above, hits) = (0.0, 0.0)
            for bin in (0..<Self.binCount).reversed() {
                above += Double(binTotals[unit][bin])
                hits += Double(binCounts[unit][bin * concepts + concept])
                let f1 = 2 * hits / max(1, above + moments.counts[concept])
                if f1 > best?.f1 ?? 0 { best = (hits / above, hits / moments.counts[concept], f1) }
            }
        }
        return Detection(
            concept: concept,
            correlation: Jackknife.estimate(
                response(unit, moments).correlation(concept),
                without: groups.indices.map { left in
                    response(unit, without[left]) { $0 != left }.correlation(concept)
                }),
            massInside: mass > 0 ? total(\.mass, unit)[concept] / mass : 0,
            precision: hasDetail ? best?.precision ?? 0 : nil, recall: hasDetail ? best?.recall ?? 0 : nil,
            f1: hasDetail ? best?.f1 ?? 0 : nil)
    }
}
