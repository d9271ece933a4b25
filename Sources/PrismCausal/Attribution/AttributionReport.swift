import PrismCore
import PrismMetrics
import PrismModels

/// Which units drive an answer: those of the largest attribution, each beside what taking it away does.
public struct AttributionReport: Codable, Sendable {
    public struct Row: Codable, Sendable {
        /// A dictionary's name, or the hook point's.
        public let place: String
        public let unit: String
        /// What a latent fires on and promotes; nil where no atlas says so.
        public let label: String?
        public let position: Int
        public let token: String
        /// In nats, as m is.
        public let attributed: Double
        /// Exact; nil if it was not asked for.
        public let ablated: Double?
    }

    public let method: AttributionMethod
    /// m of the prompt.
    public let value: Double
    /// Units that differ from their baseline, and the sum of what is attributed to them.
    public let unitCount: Int
    public let sum: Double
    /// By |attributed|, the largest first.
    public let rows: [Row]
    /// Of attributed and exact effects, over the units that were ablated; nil of fewer than three.
    public let pearson, spearman: Double?
    /// Of integrated gradients, by place.
    public let completeness: [Completeness]
    public let attributionSeconds, ablationSeconds: Double

    /// - top: rows; the first `verified` of them are ablated. token, label: how tokens and units read.
    package init(
        _ run: AttributedRun, _ method: AttributionMethod, top: Int, verified: Int, token: (Int32) -> String,
        label: (AttributionUnit) throws -> String? = { _ in nil }
    ) throws {
        let units = run.units
        let scores = try run.scores(method, of: units)
        let order = units.indices.sorted { (abs(scores.values[$1]), $0) < (abs(scores.values[$0]), $1) }
        let ablated = Array(order.prefix(verified))
        var exact: [Double] = []
        let time = try ContinuousClock().measure { exact = try run.effects(of: ablated.map { units[$0] }) }
        rows = try order.prefix(max(top, verified)).enumerated().map { place, number in
            let unit = units[number]
            return Row(
                place: run.places[unit.place].name, unit: run.places[unit.place].name(of: unit.index),
                label: try label(unit), position: unit.position, token: token(run.question.prompt[unit.position]),
                attributed: scores.values[number], ablated: place < exact.count ? exact[place] : nil)
        }
        let attributed = ablated.map { scores.values[$0] }
        (pearson, spearman) = (Correlation.pearson(attributed, exact), Correlation.spearman(attributed, exact))
        (self.method, value, unitCount) = (method, run.value, units.count)
        sum = scores.values.reduce(0, +)
        completeness = scores.completeness
        (attributionSeconds, ablationSeconds) = (scores.seconds, time / .seconds(1))
    }
}
