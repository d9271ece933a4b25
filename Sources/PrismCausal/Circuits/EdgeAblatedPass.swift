import PrismCore
import PrismModels
import PrismTensor

/// Runs a circuit of edges: a node hears of another's value only along an edge, and of all others what an ablation puts in
/// their place.
///
/// In the order of the pass each node d has a run of its own, in which every place before d's holds b + Σ vᵤ dᵤ + v_ε; vᵤ is
/// u's value in the circuit if there is an edge u → d, and else aᵤ. What the run makes of d is d's value in the circuit; so it
/// is with the answer. With every edge between all nodes the circuit is the model.
package struct EdgeAblatedPass {
    private let pass: AblatedPass
    /// What each node hears of; nil is the answer.
    private let sources: [CircuitNode?: [CircuitNode]]

    /// - pass: says what is put in the place of what no edge brings.
    package init(_ pass: AblatedPass, keeping edges: some Sequence<CircuitEdge>) {
        self.pass = pass
        sources = Dictionary(grouping: edges, by: \.to).mapValues { $0.map(\.from).sorted() }
    }

    /// m of each pair's clean prompt.
    package func values() throws -> [Double] {
        let activations = pass.activations
        var heard: [CircuitNode: Value] = [:]
        for node in Set(sources.values.joined()).sorted() {
            try Interrupt.check()
            let place = activations.places[node.place]
            var x = activations.clean[node.place].x
            if node.place > 0 {
                x = try activations.model.run(
                    request(before: node.place, hearing: node, heard, capture: [place.reads]),
                    workers: activations.workers)[place.reads]
            }
            heard[node] = Value(of: node, PairedActivations.Parts(x, place, activations.workers))
        }
        return try activations.values(request(before: activations.places.count, hearing: nil, heard))
    }

    /// A node's value on each row.
    private enum Value {
        case unit([Float])
        case error(Tensor)

        init(of node: CircuitNode, _ parts: PairedActivations.Parts) {
            self =
                node.unit.map { unit in
                    .unit((0..<parts.x.rowCount).map { parts.codes[$0].first { $0.latent == unit }?.value ?? 0 })
                } ?? .error(parts.error)
        }
    }

    /// The clean pass where places before one hold what a node hears.
    private func request(
        before end: Int, hearing node: CircuitNode?, _ heard: [CircuitNode: Value], capture: [HookPoint] = []
    ) -> ForwardRequest {
        let activations = pass.activations
        // What lies before the last residual stream is not heard.
        let first = activations.places[..<end].lastIndex { $0.reads.isResidual } ?? 0
        let own = sources[node] ?? []
        return ForwardRequest(
            contexts: activations.pairs.map(\.clean), capture: capture,
            interventions: (first..<end).map { place in
                activations.replacing(place, by: rows(at: place, own.filter { $0.place == place }, heard))
            }, start: activations.starts[first])
    }

    /// What a place holds for who hears some of its nodes, [tokens of all prompts, width].
    private func rows(at place: Int, _ nodes: [CircuitNode], _ heard: [CircuitNode: Value]) -> Tensor {
        let (activations, substitutes) = (pass.activations, pass.substitutes[place])
        let dictionary = activations.places[place].dictionary
        let x = activations.clean[place].x.copy()
        let width = x.rowWidth
        for row in activations.pairs.indices.flatMap(activations.rows) {
            var values = Dictionary(
                uniqueKeysWithValues: substitutes.units(row: row.index).map { ($0.latent, $0.value) })
            var error = substitutes.error
            for node in nodes where (node.position ?? row.position) == row.position {
                switch heard[node]! {
                case .unit(let numbers): values[node.unit!] = numbers[row.index]
                case .error(let found): error = found
                }
            }
            let sum = x[row.index]
            for c in 0..<width { sum[c] = dictionary.decoderBias.data[c] + error[row.index][c] }
            let units = values.keys.sorted()
            units.map(Int32.init).withUnsafeBufferPointer {
                activations.model.backend.sumRows(
                    of: dictionary.decoder, rows: $0, weights: units.map { values[$0]! }, start: sum, into: sum)
            }
        }
        return x
    }
}
