import Algorithms
import PrismCore
import PrismMetrics
import PrismModels

/// The effects of many patches as a matrix: layers down, positions or heads across (causal tracing, Meng et al. 2022).
public struct PatchingMap: Codable, Sendable {
    /// What was patched, such as "residual stream".
    public let title: String
    /// What the columns are: "position" or "head".
    public let axis: String
    public let layers: [Int]
    public let columns: [String]
    /// Normalised effects, [layers, columns], over the pairs that have the column.
    public let effects: [[Estimate]]
    /// How many pairs that are.
    public let counts: [Int]

    /// The largest effects first, by absolute value.
    public var ranked: [(layer: Int, column: String, effect: Estimate)] {
        zip(layers, effects).flatMap { layer, row in
            zip(columns, row).filter { $1.value.isFinite }.map { (layer, $0, $1) }
        }.sorted { abs($0.effect.value) > abs($1.effect.value) }
    }
}

extension PatchingMap {
    /// A column for each name that positions have in at least a quarter of the pairs. A position before the first difference
    /// of its pair has none: both runs are the same there.
    init(_ site: PatchingSite, layers: [Int], _ runs: PairedRuns, progress: Progress) throws {
        var places: [String: [(pair: Int, position: Int)]] = [:]
        for (index, pair) in runs.pairs.enumerated() {
            for position in runs.differing(index) {
                places[pair.name(ofPosition: position), default: []].append((index, position))
            }
        }
        /// How far along its prompt a column lies on the average.
        func place(_ name: String) -> Double {
            let shares = places[name]!.map { Double($0.position) / Double(runs.pairs[$0.pair].clean.count) }
            return shares.reduce(0, +) / Double(shares.count)
        }
        let columns = places.keys.filter { 4 * places[$0]!.count >= runs.pairs.count }
            .sorted { (place($0), $0) < (place($1), $1) }
        let all = columns.flatMap { places[$0]! }
        effects = try layers.map { layer in
            let hook = site.hook(layer)
            let part = Patch.Part.columns([0..<runs.model.configuration.width(at: hook)])
            let odds = try runs.odds(
                all.map {
                    Patch(pair: $0.pair, positions: $0.position..<$0.position + 1, parts: [(hook, part)])
                })
            progress.advance()
            var rest = Array(zip(all, odds))[...]
            return columns.map { column in
                let own = rest.prefix(places[column]!.count)
                rest = rest.dropFirst(own.count)
                return runs.effect(own.map(\.1), ofPairs: own.map(\.0.pair))
            }
        }
        (title, axis, self.layers, self.columns) = (site.title, "position", layers, columns)
        counts = columns.map { places[$0]!.count }
    }

    /// A column for each head. - positions: of each pair, those that are patched.
    init(headsOf layers: [Int], at positions: [Range<Int>], _ runs: PairedRuns, progress: Progress) throws {
        let (heads, width) = (runs.model.configuration.headCount, runs.model.configuration.headWidth)
        let pairs = Array(runs.pairs.indices)
        effects = try layers.map { layer in
            let odds = try runs.odds(
                (0..<heads).flatMap { head in
                    let part = Patch.Part.columns([head * width..<(head + 1) * width])
                    return pairs.map {
                        Patch(pair: $0, positions: positions[$0], parts: [(.heads(layer: layer), part)])
                    }
                })
            progress.advance()
            return odds.chunks(ofCount: pairs.count).map { runs.effect(Array($0), ofPairs: pairs) }
        }
        (title, axis, self.layers) = (PatchingSite.heads.title, "head", layers)
        columns = (0..<heads).map(String.init)
        counts = columns.map { _ in pairs.count }
    }
}
