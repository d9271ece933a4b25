/// Units that have a page each, below a report's sections.
public struct ReportUnits: Encodable, Sendable {
    /// A number that every unit has, or none.
    public struct Metric: Encodable, Sendable {
        public let label, definition: String

        public init(label: String, definition: String) { (self.label, self.definition) = (label, definition) }
    }

    /// Units of one kind.
    public struct Kind: Encodable, Sendable {
        public let name: String
        public let units: [Unit]

        public init(name: String, units: [Unit]) { (self.name, self.units) = (name, units) }
    }

    public struct Unit: Encodable, Sendable {
        public let number: Int
        /// In the order of the metrics.
        public let values: [Double?]
        /// Of each value half of its interval, where it has one.
        public let errors: [Double?]
        /// What makes it respond, most first.
        public let concepts: [Share]

        public init(number: Int, values: [Double?], errors: [Double?], concepts: [Share]) {
            (self.number, self.values, self.errors, self.concepts) = (number, values, errors, concepts)
        }
    }

    /// A concept's share of a unit's response, with examples.
    public struct Share: Encodable, Sendable {
        /// Place in `ReportUnits.concepts`.
        public let concept: Int
        /// From 0 to 1; nil where the concept goes with the unit but is not known to make it respond.
        public let share: Double?
        public let examples: [Example]

        public init(concept: Int, share: Double?, examples: [Example]) {
            (self.concept, self.share, self.examples) = (concept, share, examples)
        }
    }

    /// A response, the token that it is at, and the text around it.
    public struct Example: Encodable, Sendable {
        public let value: Double
        public let before, token, after: String

        public init(value: Double, before: String, token: String, after: String) {
            (self.value, self.before, self.token, self.after) = (value, before, token, after)
        }
    }

    public let metrics: [Metric]
    public let concepts: [Metric]
    public let kinds: [Kind]

    /// - concepts: names with their definitions.
    public init(metrics: [Metric], concepts: [Metric], kinds: [Kind]) {
        (self.metrics, self.concepts, self.kinds) = (metrics, concepts, kinds)
    }
}
