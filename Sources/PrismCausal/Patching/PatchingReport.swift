import Foundation
import PrismAtlas
import PrismCore
import PrismMetrics
import PrismModels

/// What patching showed, on disk: `patching.json` with every number, and `report.html`, which opens offline.
public struct PatchingReport {
    public struct Record: Codable, Sendable {
        public let heading: Heading
        public let direction: PatchingDirection
        public let pairs: Int
        public let clean, corrupt: Answering
        public let maps: [PatchingMap]
        public let units: [UnitEffects]
    }

    /// What was asked of what.
    public struct Heading: Codable, Sendable {
        public let model, task: String
        /// One of the pairs: the prompts, and what is right and wrong after the clean one.
        public let clean, corrupt, answers, foils: String

        public init(model: String, task: String, example: PromptPair, _ tokenizer: Tokenizer) {
            (self.model, self.task) = (model, task)
            (clean, corrupt) = (tokenizer.decode(example.clean), tokenizer.decode(example.corrupt))
            func list(_ tokens: [Int32]) -> String {
                tokens.map { "‘\(tokenizer.text(of: $0))’" }.joined(separator: " ")
            }
            (answers, foils) = (list(example.answers), list(example.foils))
        }
    }

    /// How a run answers as the clean prompt asks.
    public struct Answering: Codable, Sendable {
        /// Mean of m over the pairs, in nats, and the standard deviation.
        public let odds: Estimate
        public let deviation: Double
        /// Share of the pairs with m above 0.
        public let preferring: Estimate

        init(_ odds: [Double]) {
            let bootstrap = Bootstrap(contexts: odds.count)
            self.odds = bootstrap.mean(of: odds)
            preferring = bootstrap.mean(of: odds.map { $0 > 0 ? 1 : 0 })
            let centre = self.odds.value
            let squares = odds.reduce(0) { $0 + ($1 - centre) * ($1 - centre) }
            deviation = (squares / Double(max(1, odds.count - 1))).squareRoot()
        }
    }

    public let record: Record

    /// - Throws: `PrismError` if a file cannot be written.
    public func write(to folder: URL) throws {
        try Files.createFolder(folder)
        try Files.writeAtomically(JSONEncoder.prism.encode(record), to: folder.appending(path: "patching.json"))
        let from = record.direction == .denoising ? "clean into corrupt" : "corrupt into clean"
        try Report.write(
            .init(
                title: "Activation patching: \(record.heading.task)",
                subtitle: "\(record.heading.model) · \(record.pairs) pairs · \(record.direction.rawValue), \(from)",
                sections: sections), to: folder.appending(path: "report.html"))
    }

    // MARK: Tables

    /// The places with the largest effects, up to `count` of each map; of the residual stream, which hands on what it has
    /// from layer to layer, where half of the effect or more is.
    public func strongestRows(_ count: Int = 8) -> (columns: [String], rows: [[String]]) {
        let places = record.maps.flatMap { map in
            map.site == .residual
                ? map.carriers.map { column, layers in
                    [map.title, "\(layers.lowerBound) – \(layers.upperBound)", column, "≥ 0.50"]
                }
                : map.ranked.prefix(count).map { [map.title, "\($0.layer)", $0.column, $0.effect.text("%.2f")] }
        }
        let units = record.units.flatMap { effects in
            effects.units.sorted { abs($0.effect.value) > abs($1.effect.value) }.prefix(count).map {
                [effects.name, "\($0.layer)", "\($0.index)", $0.effect.text("%.2f")]
            }
        }
        return (["patched", "layer", "at", "effect"], places + units)
    }

    /// How the runs answer.
    public var answeringRows: (columns: [String], rows: [[String]]) {
        (
            ["prompts", "log odds", "sd", "prefer the answer"],
            [("clean", record.clean), ("corrupt", record.corrupt)].map { name, found in
                [
                    name, found.odds.text("%.2f"), Self.number(found.deviation),
                    String(format: "%.1f%%", 100 * found.preferring.value),
                ]
            }
        )
    }

    /// How many units it takes, a row for each set of units.
    public var neededRows: (columns: [String], rows: [[String]]) {
        func count(_ number: Int?) -> String { number.map(String.init) ?? "never" }
        return (
            [
                "units", "count", "differing", "the whole", "units alone", "for 50% of the whole", "for 90%",
                "attribution r",
            ],
            record.units.map {
                [
                    $0.name, "\($0.count)", "\($0.differing)", $0.whole.text("%.2f"),
                    $0.curve.last.map { $0.effect.text("%.2f") } ?? "", count($0.needed(0.5)), count($0.needed(0.9)),
                    $0.agreement.map(Self.number) ?? "",
                ]
            }
        )
    }

    static func number(_ value: Double) -> String { value.isFinite ? String(format: "%.2f", value) : "" }
}
