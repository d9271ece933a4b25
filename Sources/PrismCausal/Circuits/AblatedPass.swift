import PrismModels
import PrismTensor

/// Nodes that stay as they are while all others are taken away.
package struct KeptNodes: Sendable {
    let nodes: Set<CircuitNode>
    /// Whether it is all others that stay.
    let isComplement: Bool

    package init(_ nodes: some Sequence<CircuitNode>, isComplement: Bool = false) {
        (self.nodes, self.isComplement) = (Set(nodes), isComplement)
    }

    /// A place's nodes as flags, units and then the error.
    func flags(place: Int, position: String, units: Int) -> [Bool] {
        var flags = [Bool](repeating: isComplement, count: units + 1)
        for node in nodes where node.place == place && (node.position ?? position) == position {
            flags[node.unit ?? units] = !isComplement
        }
        return flags
    }
}

/// Runs clean prompts with nodes taken away.
///
///     x ← x + Σ (aᵢ − zᵢ) dᵢ over units taken away (+ a_ε − ε if the error is)
///
/// z and ε of x as the pass brings it, which nodes taken away before have changed; a as the ablation says. Rows before the
/// first difference of a pair's prompts stay as they are. If every node is kept, no bit changes.
package struct AblatedPass: Sendable {
    let activations: PairedActivations
    let ablation: NodeAblation
    /// Whether nodes are taken away after the last token alone.
    private let atLastAlone: Bool
    /// Of each place.
    let substitutes: [Substitutes]

    package init(_ activations: PairedActivations, _ ablation: NodeAblation, atLastAlone: Bool = false) {
        (self.activations, self.ablation, self.atLastAlone) = (activations, ablation, atLastAlone)
        substitutes = activations.places.indices.map { Substitutes(ablation, at: $0, of: activations) }
    }

    /// m of each pair's clean prompt.
    package func values(keeping kept: KeptNodes) throws -> [Double] {
        try activations.values(
            ForwardRequest(
                contexts: activations.pairs.map(\.clean), capture: [],
                interventions: activations.places.indices.map { intervention(at: $0, kept) },
                start: activations.starts[0]))
    }

    private func intervention(at place: Int, _ kept: KeptNodes) -> Intervention {
        let (placed, substitutes) = (activations.places[place], substitutes[place])
        let units = placed.dictionary.latentCount
        let rows = activations.pairs.indices.map { pair in
            activations.rows(ofPair: pair).filter { !atLastAlone || $0.isLast }
        }
        let positions = Set(rows.joined().map(\.position))
        let flags = Dictionary(
            uniqueKeysWithValues: positions.map { ($0, kept.flags(place: place, position: $0, units: units)) })
        return Intervention(at: placed.reads) { [activations] x, contexts in
            let parts = PairedActivations.Parts(x.copy(), placed, Workers(count: 1))
            for context in contexts {
                for row in rows[context.index] {
                    let own = context.rows.lowerBound + row.index - activations.firstRows[context.index]
                    let keeps = flags[row.position]!
                    let changes =
                        parts.codes[own].filter { !keeps[$0.latent] }.map { ($0.latent, -$0.value) }
                        + substitutes.units(row: row.index).filter { !keeps[$0.latent] }
                    changes.map { Int32($0.0) }.withUnsafeBufferPointer {
                        activations.model.backend.sumRows(
                            of: placed.dictionary.decoder, rows: $0, weights: changes.map(\.1), start: x[own],
                            into: x[own])
                    }
                    guard !keeps[units] else { continue }
                    let (error, other) = (parts.error, substitutes.error)
                    for c in 0..<x.rowWidth { x[own][c] += other[row.index][c] - error[own][c] }
                }
            }
        }
    }
}
