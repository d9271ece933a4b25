import PrismDictionaries
import PrismMetrics
import PrismTensor

/// Whether a unit changes what the model says where it is active, and only there: units are taken away at every token, one at a
/// time, and the KL divergence of the predictions is summed by token.
///
/// A unit is **active** at the tokens of its largest responses, 5% of all tokens or as many as it responds to at all; what
/// falls on them of the whole change is compared with their share of the tokens, which is what chance gives.
public struct Localisation: Codable, Sendable {
    public struct Unit: Codable, Sendable {
        public let unit: Int
        /// Share of the tokens that are active; share of the change that falls on them.
        public let active, onActive: Double
        /// Mean KL over all tokens, in nats.
        public let divergence: Double
        /// Share of the tokens in the concept that the unit goes with best, and of the change; nil without a concept.
        public let concept, onConcept: Double?
    }

    /// The set of units.
    public let name: String
    /// Tokens that predictions were compared at.
    public let tokens: Int
    public let units: [Unit]

    static let activeShare = 0.05

    /// Of the share of the change on active tokens, over the units.
    public var onActive: Estimate { Estimate(meanOf: units.map(\.onActive)) }
    public var active: Estimate { Estimate(meanOf: units.map(\.active)) }

    package init(name: String, tokens: Int, units: [Unit]) {
        (self.name, self.tokens, self.units) = (name, tokens, units)
    }
}

extension Localisation.Unit {
    /// - responses: of the unit at each token. divergences: of the predictions there without it. scores: of the tokens in
    ///   the concept that it goes with best; nil for none.
    package init(_ unit: Int, responses: [Float], divergences: [Double], scores: [Float]?) {
        let limit = max(1, Int((Localisation.activeShare * Double(responses.count)).rounded()))
        let order = responses.indices.filter { responses[$0] > 0 }
            .sorted { (responses[$0], $1) > (responses[$1], $0) }.prefix(limit)
        let total = divergences.reduce(0, +)
        func share(_ rows: some Sequence<Int>) -> Double {
            total > 0 ? rows.reduce(0) { $0 + divergences[$1] } / total : 0
        }
        self.unit = unit
        active = Double(order.count) / Double(max(1, responses.count))
        onActive = share(order)
        divergence = total / Double(max(1, divergences.count))
        let inside = scores.map { scores in scores.indices.filter { scores[$0] > 0 } }
        concept = inside.map { Double($0.count) / Double(max(1, responses.count)) }
        onConcept = inside.map { share($0) }
    }
}

/// Units on some vectors, to be taken away.
package struct RemovableUnits {
    package let set: UnitSet
    private let responses: UnitResponses

    package init(_ set: UnitSet, _ x: Tensor, workers: Workers) {
        self.set = set
        responses = set.responses(to: x, workers: workers)
    }

    /// What a unit responds to each vector.
    package func responses(of unit: Int) -> [Float] {
        var result = [Float](repeating: 0, count: responses.rowCount)
        responses.withColumn(unit) { rows, values in
            for (row, value) in zip(rows, values) { result[Int(row)] = value }
        }
        return result
    }

    /// y − zᵢ dᵢ of a latent; of a direction u, y with u·y at its median.
    /// - y: what a dictionary writes, or the vectors themselves, [rows, width].
    package func removing(_ unit: Int, from y: Tensor) -> Tensor {
        let result = y.copy()
        set.remove(unit, responses(of: unit), from: result)
        return result
    }
}
