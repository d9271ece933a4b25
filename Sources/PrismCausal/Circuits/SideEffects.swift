import PrismActivations
import PrismCore
import PrismDictionaries
import PrismMetrics
import PrismModels
import PrismTensor

/// What else changes where one unit is taken away: x ← x − zᵢ dᵢ at every token, for a latent and a neuron alike.
///
/// A neuron in superposition belongs to many features, and its ablation hits them all; a latent's shall hit one.
public struct SideEffects: Codable, Sendable {
    public struct Unit: Codable, Sendable {
        public let unit: Int
        /// Mean KL over all tokens, in nats, of what the model predicts: how large the intervention is.
        public let divergence: Double
        /// Tokens at which the unit answers most, at most 5%: their share of the tokens, and of the divergence.
        public let active, onActive: Double
        /// For each reader the effective number of its latents that change, (Σ cᵢ)² / Σ cᵢ² (participation ratio), where cᵢ
        /// sums |Δzᵢ| over all tokens. 1 if one changes alone, 0 if none does.
        public let features: [Double]
    }

    /// Of the units.
    public let name: String
    public let readers: [String]
    public let units: [Unit]
}

/// Takes units of a place away, one at a time.
package struct UnitRemoval {
    private let pass: ReplaceablePass
    private let hook: HookPoint
    private let x: Tensor
    private let readers: [PlacedDictionary]
    /// What the readers read of the clean pass, on the used rows.
    private let read: [SparseCodes]
    private let workers: Workers

    /// - hook: where units are. readers: dictionaries there or behind it, whose latents count as the features.
    package init(
        _ model: Transformer, _ contexts: [TokenContext], at hook: HookPoint, readers: [PlacedDictionary],
        workers: Workers
    ) throws {
        let depth = model.configuration.layerCount
        if let early = readers.first(where: { $0.reads.order(layerCount: depth) < hook.order(layerCount: depth) }) {
            throw PrismError.usage("\(early.name) reads \(early.reads), which nothing at \(hook) can change")
        }
        (self.hook, self.readers, self.workers) = (hook, readers, workers)
        pass = try ReplaceablePass(
            model, contexts, replacing: [[hook]], capture: [hook] + readers.map(\.reads), workers: workers)
        let (clean, rows) = (pass.clean, pass.rows)
        x = clean[hook].gathered(rows)
        read = readers.map { $0.encode(clean[$0.reads].gathered(rows), workers: workers) }
    }

    /// - units: the place's own, as a dictionary. count: of those that are active, drawn by the seed.
    package func sideEffects(
        _ name: String, of units: PlacedDictionary, count: Int, seed: UInt64, progress: Progress? = nil
    ) throws -> SideEffects {
        let codes = units.encode(x, workers: workers)
        var responses: [Int: [(row: Int, value: Float)]] = [:]
        for row in 0..<x.rowCount {
            for (unit, value) in codes[row] where value != 0 { responses[unit, default: []].append((row, value)) }
        }
        var generator = SeededGenerator(seed: seed, stream: "units of \(name)")
        let drawn = responses.keys.sorted().shuffled(using: &generator).prefix(count).sorted()
        let found = try drawn.map { unit in
            try Interrupt.check()
            defer { progress?.advance() }
            return try effect(unit, responses[unit]!, units.dictionary.decoder)
        }
        return SideEffects(name: name, readers: readers.map(\.name), units: found)
    }

    private func effect(_ unit: Int, _ responses: [(row: Int, value: Float)], _ decoder: Tensor) throws
        -> SideEffects.Unit
    {
        let changed = x.copy()
        for (row, value) in responses { for c in 0..<x.rowWidth { changed[row][c] -= value * decoder[unit][c] } }
        let hooks = Set([.finalNorm] + readers.map(\.reads)).sorted { $0.name < $1.name }
        let found = try pass.changed(replacing: [hook], by: changed, capture: hooks)
        let divergences = pass.divergences(found[.finalNorm])
        let total = divergences.reduce(0, +)
        let limit = max(1, x.rowCount / 20)
        let active = responses.sorted { (abs($1.value), $0.row) < (abs($0.value), $1.row) }.prefix(limit)
        let features = readers.indices.map { reader in
            let now = readers[reader].encode(found[readers[reader].reads].gathered(pass.rows), workers: workers)
            return participation(of: changes(from: read[reader], to: now))
        }
        return SideEffects.Unit(
            unit: unit, divergence: total / Double(x.rowCount), active: Double(active.count) / Double(x.rowCount),
            onActive: total > 0 ? active.reduce(0) { $0 + divergences[$1.row] } / total : 0, features: features)
    }

    /// Σ |Δz| over rows, of each latent that changes.
    private func changes(from old: SparseCodes, to new: SparseCodes) -> [Double] {
        var sums: [Int: Double] = [:]
        for row in 0..<x.rowCount {
            for (latent, difference) in new.differences(from: old, row: row) {
                sums[latent, default: 0] += Double(abs(difference))
            }
        }
        return sums.keys.sorted().map { sums[$0]! }
    }

    private func participation(of changes: [Double]) -> Double {
        let sum = changes.reduce(0, +)
        return sum > 0 ? sum * sum / changes.reduce(0) { $0 + $1 * $1 } : 0
    }
}
