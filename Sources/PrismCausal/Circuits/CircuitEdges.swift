import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor

/// What one node of a circuit does to the answer through another, and through no node of a place between them.
public struct CircuitEdge: Hashable, Codable, Sendable {
    public let from: CircuitNode
    /// nil for the answer itself: what reaches it past all later places.
    public let to: CircuitNode?
    /// Mean over pairs, in units of m.
    public let effect: Double
}

/// Edges by the chain rule (Marks et al. 2024, appendix A.1), integrated as nodes' effects are:
///
///     IE(u → d) = Σₜ (zᵤ − z′ᵤ)ₜ dᵤ · mean over α of ∇ₓ (Σₛ (ḡₛ · d_d) z_d,ₛ)
///
/// x is u's place on its way from clean to corrupt. Gradients stop at places in between, so that no effect counts twice.
package struct CircuitEdges {
    /// The largest first.
    package let edges: [CircuitEdge]

    /// - nodes: the circuit.
    package init(
        among nodes: some Sequence<CircuitNode>, _ activations: PairedActivations, _ effects: NodeEffects,
        steps: Int = 10, progress: Progress? = nil
    ) throws {
        let hooks = activations.places.map(\.reads)
        let byPlace = Dictionary(grouping: nodes, by: \.place)
        var sums: [CircuitEdge.Ends: Double] = [:]
        for place in byPlace.keys.sorted() {
            let later = hooks.indices.filter { $0 > place }
            // Everything passes through a residual stream: behind the first nothing is reached past it.
            let wall = later.first { hooks[$0].isResidual }
            let reached = later.filter { $0 <= wall ?? .max }
            let targets = reached.flatMap { byPlace[$0] ?? [] }.map(Optional.some) + (wall == nil ? [nil] : [])
            for step in 0..<steps {
                let share = (Float(step) + 0.5) / Float(steps)
                let mixed = try activations.model.run(
                    activations.pass(
                        from: place, share: share, capture: reached.isEmpty ? [.finalNorm] : reached.map { hooks[$0] }),
                    workers: activations.workers)
                let codes = Dictionary(
                    uniqueKeysWithValues: reached.map {
                        ($0, activations.places[$0].encode(mixed[hooks[$0]], workers: activations.workers))
                    })
                for target in targets {
                    try Interrupt.check()
                    let objective: Objective =
                        if let target {
                            .activation(
                                at: hooks[target.place],
                                weights: activations.slopes(
                                    of: target, codes[target.place]!, effects.gradients[target.place]))
                        } else {
                            .logOdds(activations.pairs)
                        }
                    let stops = later.filter { $0 < target?.place ?? .max }.map { hooks[$0] }
                    let gradient = try activations.model.gradients(
                        GradientRequest(
                            activations.pass(from: place, share: share, stops: stops), objective: objective,
                            hooks: [hooks[place]]), workers: activations.workers
                    ).hooks[hooks[place]]
                    for (from, effect) in activations.effects(of: byPlace[place]!, along: gradient) {
                        sums[.init(from: from, to: target), default: 0] += effect / Double(steps)
                    }
                    progress?.advance()
                }
            }
        }
        let found = sums.filter { $0.value != 0 }.map { CircuitEdge(from: $0.from, to: $0.to, effect: $1) }
        edges = found.sorted { (abs($1.effect), $0.from, $0.to ?? .last) < (abs($0.effect), $1.from, $1.to ?? .last) }
    }
}

extension CircuitEdge {
    struct Ends: Hashable { let from: CircuitNode, to: CircuitNode? }
}

extension CircuitNode {
    /// Behind all others, where the answer stands.
    fileprivate static let last = CircuitNode(place: .max, unit: nil)
}

extension PairedActivations {
    /// ∇ₓ Σₛ (ḡₛ · d_d) z_d,ₛ of a latent, ∇ₓ Σₛ ḡₛ · εₛ of the error, at the rows that belong to the node.
    /// - codes: of the place as the pass has it. gradient: ḡ there.
    fileprivate func slopes(of node: CircuitNode, _ codes: SparseCodes, _ gradient: Tensor) -> Tensor {
        let dictionary = places[node.place].dictionary
        let slopes = Tensor(shape: gradient.shape)
        func add(_ latent: Int, scale: Float, row: Int) {
            let weight =
                scale * dictionary.activation.slope(of: latent)
                * model.backend.dot(dictionary.decoder[latent], gradient[row], count: slopes.rowWidth)
            let encoder = dictionary.encoder
            for c in 0..<slopes.rowWidth { slopes[row][c] += weight * encoder[latent][c] }
        }
        for row in pairs.indices.flatMap(rows) where (node.position ?? row.position) == row.position {
            let active = codes[row.index]
            if let unit = node.unit {
                if active.contains(where: { $0.latent == unit }) { add(unit, scale: 1, row: row.index) }
            } else {
                slopes[row.index].update(from: gradient[row.index], count: slopes.rowWidth)
                for (latent, _) in active { add(latent, scale: -1, row: row.index) }
            }
        }
        return slopes
    }

    /// Mean over pairs of what nodes of one place come to along a gradient.
    fileprivate func effects(of nodes: [CircuitNode], along gradient: Tensor) -> [CircuitNode: Double] {
        let wanted = Set(nodes)
        var sums: [CircuitNode: Double] = [:]
        for row in pairs.indices.flatMap(rows) {
            forEachDifference(at: nodes[0].place, row: row.index, along: gradient[row.index]) { unit, effect in
                for position in [nil, row.position] {
                    let node = CircuitNode(place: nodes[0].place, unit: unit, position: position)
                    if wanted.contains(node) { sums[node, default: 0] += effect / Double(pairs.count) }
                }
            }
        }
        return sums
    }
}
