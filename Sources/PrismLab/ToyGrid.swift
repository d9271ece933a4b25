import Foundation
import PrismAtlas
import PrismCore
import PrismTensor

/// Toy models over a grid of settings, each from several seeds, and the geometry that the best of them found.
public struct ToyGrid: Sendable {
    private let cells: [ToyConfiguration]
    private let seeds: Int

    /// - cells: one configuration for each; their own seeds are the first of `seeds`.
    public init(_ cells: [ToyConfiguration], seeds: Int) {
        self.cells = cells
        self.seeds = seeds
    }

    public struct Result: Sendable {
        public let best: TrainedToy
        /// L of every seed.
        public let losses: [Double]
        private var configuration: ToyConfiguration { best.model.configuration }
        fileprivate var geometry: FeatureGeometry { FeatureGeometry(best.model.readouts) }

        public struct Summary: Codable, Sendable {
            public let hidden: Int
            public let density: Float
            public let losses: [Double]
            /// Features with ‖Wᵢ‖ > ½, Σ Dᵢ, D*.
            public let represented: Int
            public let dimensionality, dimensionsPerFeature: Double
            /// Tegum factors by name, most frequent first.
            public let shapes: [String]
        }

        public var summary: Summary {
            let geometry = geometry
            return Summary(
                hidden: configuration.hidden, density: configuration.features.density[0], losses: losses,
                represented: geometry.represented.count,
                dimensionality: geometry.dimensionality.reduce(0, +),
                dimensionsPerFeature: geometry.dimensionsPerFeature,
                shapes: Arrangement(geometry).kinds.map { "\($0.count) \($0.name)" })
        }

        /// As `ToyGrid.columns`.
        public var row: [String] {
            let summary = summary
            return [
                "\(summary.hidden)", Claim.text(Double(summary.density), 3), Claim.text(losses.min()!, 4),
                Claim.text(losses.max()!, 4), "\(summary.represented)", Claim.text(summary.dimensionality, 4),
                Claim.text(summary.dimensionsPerFeature, 3), summary.shapes.joined(separator: ", "),
            ]
        }
    }

    public static let columns = ["m", "density", "best loss", "worst loss", "represented", "Σ Dᵢ", "D*", "shapes"]

    /// Seconds that `run` will take.
    public func expectedSeconds(in lab: Lab) throws -> Double {
        try lab.expectedSeconds(of: cells.flatMap { Array(repeating: $0, count: seeds) })
    }

    /// - Throws: as `Lab.train`.
    public func run(in lab: Lab) throws -> [Result] {
        try lab.trainBest(of: seeds, cells).map { Result(best: $0.best, losses: $0.losses) }
    }

    /// `grid.json`, a specification for each figure and `report.html`.
    /// - Throws: `PrismError` if a file cannot be written.
    public func writeReport(_ results: [Result], seed: UInt64, to folder: URL) throws {
        try Files.createFolder(folder)
        try Files.writeAtomically(
            JSONEncoder.prism.encode(results.map(\.summary)), to: folder.appending(path: "grid.json"))
        let figures = results.flatMap(weights)
        for (number, figure) in figures.compactMap(\.figureFile).enumerated() {
            try Files.writeAtomically(
                JSONEncoder.prism.encode(figure), to: folder.appending(path: "figure-\(number + 1).vl.json"))
        }
        let first = cells[0]
        try Report.write(
            .init(
                title: "Toy models of \(first.features.count) features",
                subtitle: "\(seeds) seeds for each of \(cells.count) cells · seed \(seed)",
                sections: [
                    ReportSection(
                        title: "Geometry",
                        lead: "Of the best seed of each cell; shapes are tegum factors of the represented features.",
                        parts: [.table(columns: Self.columns, rows: results.map(\.row))]),
                    ReportSection(title: "Weights", parts: figures),
                ]), to: folder.appending(path: "report.html"))
    }

    /// WᵀW of a model that is small enough to see, its features as rays in two dimensions, and Dᵢ of a large one.
    private func weights(_ result: Result) -> [ReportSection.Part] {
        let configuration = result.best.model.configuration
        let title = "m \(configuration.hidden), density \(Claim.text(Double(configuration.features.density[0]), 3))"
        let geometry = result.geometry
        if configuration.hidden == 2 {
            let w = DoubleMatrix(result.best.model.readouts)
            return [
                Chart.stars(
                    title, features: (0..<w.rowCount).map { (w[$0, 0], w[$0, 1], 1 - Double($0) / Double(w.rowCount)) })
            ]
        }
        if geometry.featureCount <= 64 {
            return [
                Chart.heatMap(
                    title, caption: "WᵀW", rows: (0..<geometry.featureCount).map { Array(geometry.gram.row($0)) })
            ]
        }
        return [
            Chart.histogram(
                title, caption: "of represented features", x: "dimensionality Dᵢ", width: 0.02,
                values: geometry.represented.map { geometry.dimensionality[$0] }, unit: "features")
        ]
    }
}
