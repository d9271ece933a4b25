import PrismCore
import PrismModels
import PrismTensor

/// What each node does to the answer, by integrated gradients (Sundararajan et al. 2017) as sparse feature circuits take
/// them (Marks et al. 2024):
///
///     IE(i) = Σₜ (zᵢ − z′ᵢ)ₜ · dᵢ · ḡₜ,    ḡ = mean over α = (k − ½) / steps of ∂m/∂x at x + α (x′ − x)
///
/// z of the clean prompt, z′ of the corrupt; the error's is (ε − ε′) · ḡ. It approximates how far m falls when the node
/// alone takes its corrupt value. Of one place they sum to how far m falls when the place does, all but the integral's error.
package struct NodeEffects: Sendable {
    /// All that differ between the prompts of any pair, by |mean effect|, the largest first.
    package let nodes: [CircuitNode]
    /// Of each node in each pair.
    package let effects: [[Double]]
    /// ḡ of each place, [tokens of all prompts, width].
    let gradients: [Tensor]

    /// Of units at all positions together. - steps: of the integral.
    package init(_ activations: PairedActivations, steps: Int = 10, progress: Progress? = nil) throws {
        let gradients = try activations.places.indices.map { place in
            let hook = activations.places[place].reads
            let sum = Tensor(shape: activations.clean[place].x.shape)
            for step in 0..<steps {
                try Interrupt.check()
                let share = (Float(step) + 0.5) / Float(steps)
                let found = try activations.model.gradients(
                    GradientRequest(
                        activations.pass(from: place, share: share), objective: .logOdds(activations.pairs),
                        hooks: [hook]), workers: activations.workers
                ).hooks[hook]
                for i in 0..<sum.count { sum.data[i] += found.data[i] / Float(steps) }
                progress?.advance()
            }
            return sum
        }
        self.init(activations, gradients, byPosition: false)
    }

    /// The same where a unit is a node of its own at each position.
    package func byPosition(_ activations: PairedActivations) -> NodeEffects {
        NodeEffects(activations, gradients, byPosition: true)
    }

    private init(_ activations: PairedActivations, _ gradients: [Tensor], byPosition: Bool) {
        self.gradients = gradients
        let byPair = activations.workers.map(activations.pairs.count, by: 1) { _, pair in
            var found: [CircuitNode: Double] = [:]
            for row in activations.rows(ofPair: pair.lowerBound) {
                for place in activations.places.indices {
                    activations.forEachDifference(at: place, row: row.index, along: gradients[place][row.index]) {
                        unit, effect in
                        let node = CircuitNode(place: place, unit: unit, position: byPosition ? row.position : nil)
                        found[node, default: 0] += effect
                    }
                }
            }
            return found
        }
        let all = Set(byPair.flatMap(\.keys))
        let means = Dictionary(
            uniqueKeysWithValues: all.map { node in (node, byPair.reduce(0) { $0 + ($1[node] ?? 0) }) })
        let order = all.sorted { (abs(means[$1]!), $0) < (abs(means[$0]!), $1) }
        nodes = order
        effects = order.map { node in byPair.map { $0[node] ?? 0 } }
    }

    /// Mean effect of each node over pairs.
    package var means: [Double] { effects.map { $0.reduce(0, +) / Double($0.count) } }
}

extension PairedActivations {
    /// Calls `body` for each unit of a place that differs between the prompts at a row, and for the error (nil), with what the
    /// difference comes to along a gradient: (zᵢ − z′ᵢ) · dᵢ · g, (ε − ε′) · g.
    func forEachDifference(
        at place: Int, row: Int, along gradient: UnsafePointer<Float>, _ body: (_ unit: Int?, _ effect: Double) -> Void
    ) {
        let (decoder, clean, corrupt) = (places[place].dictionary.decoder, clean[place], corrupt[place])
        for (unit, difference) in clean.codes.differences(from: corrupt.codes, row: row) {
            let slope = model.backend.dot(decoder[unit], gradient, count: decoder.rowWidth)
            body(unit, Double(difference) * Double(slope))
        }
        let (error, other) = (clean.error, corrupt.error)
        let effect = (0..<error.rowWidth).reduce(0.0) { sum, c in
            sum + Double(error[row][c] - other[row][c]) * Double(gradient[c])
        }
        if effect != 0 { body(nil, effect) }
    }
}
