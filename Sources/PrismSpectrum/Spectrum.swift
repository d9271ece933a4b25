import PrismConcepts
import PrismMetrics

/// Where sets of units stand between polysemantic and monosemantic, side by side, with the controls that show what chance
/// gives.
public struct Spectrum: Codable, Sendable {
    /// One concept, and how much of it the text holds.
    public struct ConceptCount: Codable, Sendable {
        public let concept: Concept
        public let vectors: Int
    }

    /// What was found of one set of units.
    public struct Part: Codable, Sendable {
        public let name: String
        public let isControl: Bool
        public let units: [UnitMetrics]
        /// For each concept its best unit; nil where none responds, or a half of the contexts lacks the concept.
        public let best: [BestUnit?]
        /// Sparse probes of the concepts of which there is enough; none of controls.
        public let probes: [ConceptProbe]
    }

    /// The unit of a set that goes with a concept best: chosen by correlation on one half of the contexts, measured on the
    /// other, so that a set of many units has no advantage of choice.
    public struct BestUnit: Codable, Hashable, Sendable {
        public let unit: Int
        /// Pearson's correlation with the concept's score on the other half.
        public let correlation: Double
        /// On everything.
        public let detection: Detection
        public let specificity: [SpecificityInterval]
    }

    public let vectors, contexts: Int
    public let concepts: [ConceptCount]
    public private(set) var parts: [Part]

    /// The set of a name.
    public func part(_ name: String) -> Part? { parts.first { $0.name == name } }
}

extension Spectrum {
    /// Takes over another measurement's parts as controls, on the same text.
    public mutating func addControls(from other: Spectrum, suffix: String) {
        parts += other.parts.filter { !$0.isControl }.map {
            Part(name: "\($0.name), \(suffix)", isControl: true, units: $0.units, best: $0.best, probes: $0.probes)
        }
    }
}
