import Algorithms
import PrismCore
import PrismMetrics
import PrismTensor

/// What single units do to the answer, and how many of them do how much of it.
///
/// Attribution patching (Nanda 2023) ranks them: Σ (source − base) · ∂m/∂unit on the base, to first order what patching the
/// unit would do. Those ranked first are then patched, in other pairs than they were ranked on.
public struct UnitEffects: Codable, Sendable {
    public let name: String
    /// Units there are, and those whose attribution is not zero.
    public let count, differing: Int
    /// The effect of patching their hook points as a whole; of latents, the dictionary's error with them.
    public let whole: Estimate
    /// The largest by attribution, in that order.
    public let units: [Unit]
    /// Pearson's correlation of attributed and exact effects of `units`; nil of fewer than three.
    public let agreement: Double?
    /// The effect of patching the first n together, n ascending to all that differ.
    public let curve: [Point]

    public struct Unit: Codable, Sendable {
        public let layer, index: Int
        /// What attribution predicts, and what patching the unit alone does.
        public let attributed: Double
        public let effect: Estimate
    }

    public struct Point: Codable, Sendable {
        public let units: Int
        public let effect: Estimate
    }

    /// The fewest units on the curve from which on no fewer than a share of the whole effect is there; nil if never.
    public func needed(_ share: Double) -> Int? {
        let threshold = share * whole.value
        let below = curve.lastIndex { $0.effect.value < threshold }
        guard let below else { return curve.first?.units }
        return curve.dropFirst(below + 1).first?.units
    }
}

extension UnitEffects {
    /// - gradients: ∂m/∂activation on the base at each of the units' hook points, [all tokens, width].
    /// - positions: of each pair, those that are patched. top: units to patch singly. only: units to take instead of those
    ///   ranked first.
    init(
        _ space: PatchedUnits, gradients: [Tensor], at positions: [Range<Int>], _ runs: PairedRuns, top: Int,
        only: [Int]?
    ) throws {
        let (ranking, pairs) = runs.halves
        let total = ranking.reduce(0) { $0 + runs.sourceOdds[$1] - runs.baseOdds[$1] }
        let attributed = space.hooks.indices.map { place in
            space.attributions(place, gradients[place], ofPairs: ranking, at: positions, runs).map { $0 / total }
        }
        var ranked = attributed.enumerated().flatMap { place, values in
            values.indices.filter { values[$0] != 0 }.map { PatchedUnits.Unit(place: place, index: $0) }
        }
        func size(_ unit: PatchedUnits.Unit) -> Double { abs(attributed[unit.place][unit.index]) }
        ranked.sort { (size($1), $0.place, $0.index) < (size($0), $1.place, $1.index) }
        if let only { ranked = only.map { PatchedUnits.Unit(place: 0, index: $0) } }
        let (counts, chosen) = (Self.counts(ranked.count), Array(ranked.prefix(only == nil ? top : .max)))
        let progress = Progress(space.name, total: 1 + counts.count + chosen.count, unit: "patches")
        func effect(_ units: [PatchedUnits.Unit]?) throws -> Estimate {
            let parts = space.parts(units)
            let odds = try runs.odds(pairs.map { Patch(pair: $0, positions: positions[$0], parts: parts) })
            progress.advance()
            return runs.effect(odds, ofPairs: pairs)
        }
        whole = try effect(nil)
        curve = try counts.map { Point(units: $0, effect: try effect(Array(ranked.prefix($0)))) }
        // Those of a layer together, since they start together.
        var found: [PatchedUnits.Unit: Estimate] = [:]
        for (_, own) in Dictionary(grouping: chosen, by: \.place).sorted(by: { $0.key < $1.key }) {
            let odds = try runs.odds(
                own.flatMap { unit in
                    let parts = space.parts([unit])
                    return pairs.map { Patch(pair: $0, positions: positions[$0], parts: parts) }
                })
            for (unit, odds) in zip(own, odds.chunks(ofCount: pairs.count)) {
                found[unit] = runs.effect(Array(odds), ofPairs: pairs)
            }
            progress.advance(by: own.count)
        }
        progress.finish()
        units = chosen.map {
            Unit(
                layer: space.hooks[$0.place].layer ?? 0, index: $0.index, attributed: attributed[$0.place][$0.index],
                effect: found[$0]!)
        }
        agreement = Correlation.pearson(units.map(\.attributed), units.map(\.effect.value))
        (name, count, differing) = (space.name, space.count, ranked.count)
    }

    /// 1, 2, 3, 4, 6, 8, 12 … and all.
    static func counts(_ total: Int) -> [Int] {
        var counts: [Int] = []
        var power = 1
        while power < total {
            counts += [power, power + power / 2]
            power *= 2
        }
        return Array((counts.filter { $0 < total } + [total]).uniqued()).filter { $0 > 0 }
    }
}
