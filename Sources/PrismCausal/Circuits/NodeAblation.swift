import PrismModels
import PrismTensor

/// What stands in the place of a node that is taken away: the choice that verdicts on circuits hang on (Miller et al. 2024).
public enum NodeAblation: String, CaseIterable, Codable, Sendable {
    /// Nothing: z = 0, ε = 0.
    case zero
    /// The mean over all rows of all clean and corrupt prompts, from where a pair's begin to differ.
    case mean
    /// What the corrupt prompt has at the position.
    case resample
}

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
    let atLastAlone: Bool
    /// Of each place: means of its units, [units], and of its error, [width].
    private let means: [(units: [Float], error: [Float])]

    package init(_ activations: PairedActivations, _ ablation: NodeAblation, atLastAlone: Bool = false) {
        (self.activations, self.ablation, self.atLastAlone) = (activations, ablation, atLastAlone)
        guard ablation == .mean else {
            means = []
            return
        }
        let rows = activations.pairs.indices.flatMap { activations.rows(ofPair: $0).map(\.index) }
        means = activations.places.indices.map { place in
            let dictionary = activations.places[place].dictionary
            var units = [Double](repeating: 0, count: dictionary.latentCount)
            var error = [Double](repeating: 0, count: dictionary.width)
            for parts in [activations.clean[place], activations.corrupt[place]] {
                for row in rows {
                    for (unit, value) in parts.codes[row] { units[unit] += Double(value) }
                    for c in error.indices { error[c] += Double(parts.error[row][c]) }
                }
            }
            let count = Double(2 * rows.count)
            return (units.map { Float($0 / count) }, error.map { Float($0 / count) })
        }
    }

    /// m of each pair's clean prompt.
    package func values(keeping kept: KeptNodes) throws -> [Double] {
        let interventions = activations.places.indices.map { intervention(at: $0, kept) }
        let request = ForwardRequest(
            contexts: activations.pairs.map(\.clean), capture: [], interventions: interventions,
            start: activations.starts[0])
        return try activations.logOdds(request)
    }

    private func intervention(at place: Int, _ kept: KeptNodes) -> Intervention {
        let placed = activations.places[place]
        let dictionary = placed.dictionary
        let units = dictionary.latentCount
        let rows = activations.pairs.indices.map { pair in
            activations.rows(ofPair: pair).filter { !atLastAlone || $0.isLast }
        }
        var flags: [String: [Bool]] = [:]
        var shifts: [String: [Float]] = [:]
        for position in Set(rows.joined().map(\.position)) {
            let found = kept.flags(place: place, position: position, units: units)
            flags[position] = found
            if ablation == .mean { shifts[position] = meanShift(at: place, found) }
        }
        return Intervention(at: placed.reads) { [activations, ablation, flags, shifts] x, contexts in
            let codes = placed.encode(x)
            let error = x.copy()
            let reconstruction = Tensor(shape: x.shape)
            dictionary.decode(codes, of: x, into: reconstruction)
            for i in 0..<error.count { error.data[i] -= reconstruction.data[i] }
            for context in contexts {
                for row in rows[context.index] {
                    let own = context.rows.lowerBound + row.index - activations.firstRows[context.index]
                    let keeps = flags[row.position]!
                    var changes = codes[own].filter { !keeps[$0.latent] }.map { ($0.latent, -$0.value) }
                    if ablation == .resample {
                        changes += activations.corrupt[place].codes[row.index].filter { !keeps[$0.latent] }
                    }
                    let (indices, weights) = (changes.map { Int32($0.0) }, changes.map(\.1))
                    indices.withUnsafeBufferPointer { indices in
                        activations.model.backend.sumRows(
                            of: dictionary.decoder, rows: indices, weights: weights, start: x[own], into: x[own])
                    }
                    let width = x.rowWidth
                    if let shift = shifts[row.position] { for c in 0..<width { x[own][c] += shift[c] } }
                    guard !keeps[units] else { continue }
                    let other = activations.corrupt[place].error
                    for c in 0..<width {
                        x[own][c] += (ablation == .resample ? other[row.index][c] : 0) - error[own][c]
                    }
                }
            }
        }
    }

    /// Σ aᵢ dᵢ + a_ε of what is taken away, if a are means.
    private func meanShift(at place: Int, _ keeps: [Bool]) -> [Float] {
        let decoder = activations.places[place].dictionary.decoder
        let (units, error) = means[place]
        let shift = Tensor(1, decoder.rowWidth)
        if !keeps[units.count] { shift[0].update(from: error, count: error.count) }
        let taken = units.indices.filter { !keeps[$0] && units[$0] != 0 }
        taken.map(Int32.init).withUnsafeBufferPointer { rows in
            activations.model.backend.sumRows(
                of: decoder, rows: rows, weights: taken.map { units[$0] }, start: shift[0], into: shift[0])
        }
        return shift.values
    }
}
