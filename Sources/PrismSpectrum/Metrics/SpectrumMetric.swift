import PrismLab
import PrismMetrics

/// The numbers that place a unit between polysemantic and monosemantic, each by what it takes a unit to mean.
public enum SpectrumMetric: String, Codable, CaseIterable, Sendable {
    case coherence, selectivity, effectiveConcepts, participation, explained, correlation

    public var label: String {
        switch self {
        case .coherence: "coherence"
        case .selectivity: "selectivity"
        case .effectiveConcepts: "effective concepts"
        case .participation: "participation ratio"
        case .explained: "explained by concepts"
        case .correlation: "best concept’s correlation"
        }
    }

    public var definition: String {
        switch self {
        case .coherence:
            "How alike the inputs are that a unit responds to: Σ rᵢrⱼ eᵢ·eⱼ / Σ rᵢrⱼ over pairs of inputs, r the response, e the centred activation’s unit vector (Pach et al. 2025)."
        case .selectivity:
            "Share of a unit’s response to concepts that its favourite one takes (Jermyn et al. 2022); of units that respond to a concept at all."
        case .effectiveConcepts:
            "exp of the entropy of a unit’s response over concepts (Bereska et al. 2025): 1 for one concept, n for n of equal weight."
        case .participation:
            "(Σa²)² / Σa⁴ over the responses a to each concept: 1 for one concept, n for n of equal weight."
        case .explained:
            "Share of the response’s variance that the concepts together explain; what is left has no name in the library."
        case .correlation:
            "Pearson’s correlation of a unit’s response with the concept that it goes with best."
        }
    }

    /// Whether a larger number is nearer to monosemantic.
    public var growsWithMonosemanticity: Bool { self != .effectiveConcepts && self != .participation }

    /// Nil where the unit responds too seldom, or to no concept.
    public func value(of unit: UnitMetrics) -> Double? { estimate(of: unit)?.value }

    /// With the jackknife's interval.
    public func estimate(of unit: UnitMetrics) -> Estimate? {
        switch self {
        case .coherence: unit.coherence
        case .selectivity: unit.profile?.selectivity
        case .effectiveConcepts: unit.profile?.effectiveConcepts
        case .participation: unit.profile?.participation
        case .explained: unit.profile?.explained
        case .correlation: unit.detection?.correlation
        }
    }
}

extension Spectrum.Part {
    /// The metric of all units that have it, ascending.
    public func values(_ metric: SpectrumMetric) -> [Double] { units.compactMap(metric.value).sorted() }

    /// Nil where no unit has it.
    public func median(_ metric: SpectrumMetric) -> Double? {
        let values = values(metric)
        return values.isEmpty ? nil : values.median
    }
}
