import PrismCore
import PrismTensor

/// What a pass is made of: each operation computes its output, and says beside it how a gradient goes back through it.
extension Pass {
    func node(_ rows: Int, _ width: Int) -> Node { Node(workspace, rows: rows, width: width) }

    /// y = W x + b; ∂x = Wᵀ ∂y, ∂W = ∂y xᵀ, ∂b = ∂y.
    func linear(_ x: Node, _ layer: TransformerWeights.Linear) -> Node {
        let y = node(x.tensor.rowCount, layer.weight.outputCount)
        backend.linear(x.tensor, layer.weight, into: y.tensor)
        if let bias = layer.bias { backend.add(row: bias, toEachOf: y.tensor) }
        tape?.record(y) { dy in
            x.receive(backend) { backend.linear(dy, layer.transposed(backend), into: $0) }
            guard let weights = tape?.weights else { return }
            backend.accumulateProduct(dy, x.tensor, into: weights[layer.name])
            if layer.bias != nil { backend.add(rowsOf: dy, to: weights[layer.name.bias]) }
        }
        return y
    }

    /// A norm of each row, or of each head in it.
    func norm(_ x: Node, _ norm: TransformerWeights.Norm) -> Node {
        let (epsilon, isCentred) = (configuration.normEpsilon, configuration.normsAreCentred)
        let y = node(x.tensor.rowCount, x.tensor.rowWidth)
        func parts(_ tensor: Tensor) -> Tensor { tensor.reshaped(tensor.count / norm.weight.count, norm.weight.count) }
        backend.norm(
            parts(x.tensor), weight: norm.weight, bias: norm.bias, isCentred: isCentred, epsilon: epsilon,
            into: parts(y.tensor))
        tape?.record(y) { dy in
            backend.normGradient(
                parts(x.tensor), weight: norm.weight, isCentred: isCentred, epsilon: epsilon,
                scaleIsConstant: tape?.frozen.contains(.normScales) ?? false, dy: parts(dy),
                dx: parts(x.gradientToAddTo()), dWeight: tape?.weights?[norm.name],
                dBias: norm.bias == nil ? nil : tape?.weights?[norm.name.bias])
        }
        return y
    }

    /// x + branch, in the memory of the branch: nothing reads that again.
    func add(_ x: Node, to branch: Node) -> Node {
        let sum = Node(overwriting: branch)
        backend.add(x.tensor, to: sum.tensor)
        tape?.record(sum) { gradient in
            for part in [x, branch] { part.receive(backend) { $0.update(from: gradient) } }
        }
        return sum
    }

    /// The same numbers at a place of their own, where an intervention does not reach what they were copied from.
    func copy(_ x: Node) -> Node {
        let y = node(x.tensor.rowCount, x.tensor.rowWidth)
        y.tensor.update(from: x.tensor)
        tape?.record(y) { dy in x.receive(backend) { $0.update(from: dy) } }
        return y
    }

    /// f(gate), or f(gate) ⊙ up.
    func activate(_ gate: Node, up: Node?) -> Node {
        let f = configuration.activation
        let y = tape == nil ? Node(overwriting: gate) : node(gate.tensor.rowCount, gate.tensor.rowWidth)
        backend.activate(f, gate.tensor, up: up?.tensor, into: y.tensor)
        tape?.record(y) { dy in
            gate.receive(backend) { dGate in
                guard let up else {
                    return backend.activateGradient(f, gate.tensor, up: nil, dOut: dy, dGate: dGate, dUp: nil)
                }
                up.receive(backend) {
                    backend.activateGradient(f, gate.tensor, up: up.tensor, dOut: dy, dGate: dGate, dUp: $0)
                }
            }
        }
        return y
    }

    /// Turns queries or keys in place by their positions; the gradient is turned back.
    /// - contexts: each one's rows, and the position of the first.
    func rotate(
        _ x: Node, _ contexts: [(rows: Range<Int>, firstPosition: Int)], _ frequencies: (forward: Tensor, back: Tensor)
    ) {
        func turn(_ tensor: Tensor, _ frequencies: Tensor) {
            for context in contexts {
                backend.rotate(
                    tensor.rows(context.rows), headWidth: configuration.headWidth,
                    firstPosition: context.firstPosition, frequencies: frequencies)
            }
        }
        turn(x.tensor, frequencies.forward)
        tape?.record(x) { turn($0, frequencies.back) }
    }

    /// Where each context's keys lie, and the position of the first: with a past they begin at 0.
    var keyRows: [(rows: Range<Int>, firstPosition: Int)] {
        guard plan.past != nil else { return block.contexts.map { ($0.rows, $0.firstPosition) } }
        var end = 0
        return block.contexts.map { context in
            let start = end
            end += context.firstPosition + context.rows.count
            return (start..<end, 0)
        }
    }

    /// Keys or values with those of the past before them, each context's together.
    func behindPast(_ fresh: Node, _ hook: HookPoint) -> Node {
        guard let past = plan.past, let all = past.activations.tensors[hook] else { return fresh }
        let keyRows = keyRows
        let joined = node(keyRows.last!.rows.upperBound, fresh.tensor.rowWidth)
        for (context, own) in zip(block.contexts, keyRows) {
            let first = past.activations.rows(ofContext: past.origins[context.index].context).lowerBound
            let seam = own.rows.lowerBound + context.firstPosition
            joined.tensor.rows(own.rows.lowerBound..<seam).update(from: all.rows(first..<first + context.firstPosition))
            joined.tensor.rows(seam..<own.rows.upperBound).update(from: fresh.tensor.rows(context.rows))
        }
        return joined
    }

    /// Attention of every context over itself and its past.
    func attention(_ queries: Node, _ keys: Node, _ values: Node, _ form: AttentionForm, layer: Int) -> Node {
        let out = node(queries.tensor.rowCount, queries.tensor.rowWidth)
        if let cache {
            let fresh = cache.count..<cache.count + keys.tensor.rowCount
            cache.keys[layer].rows(fresh).update(from: keys.tensor)
            cache.values[layer].rows(fresh).update(from: values.tensor)
            let seen = 0..<fresh.upperBound
            backend.attention(
                queries: queries.tensor, keys: cache.keys[layer].rows(seen), values: cache.values[layer].rows(seen),
                form, into: out.tensor)
            return out
        }
        for (context, own) in zip(block.contexts, keyRows) {
            backend.attention(
                queries: queries.tensor.rows(context.rows), keys: keys.tensor.rows(own.rows),
                values: values.tensor.rows(own.rows), form, into: out.tensor.rows(context.rows))
        }
        tape?.record(out) { dOut in
            func goBack(_ dQueries: Tensor?, _ dKeys: Tensor?, _ dValues: Tensor) {
                for rows in block.contexts.map(\.rows) {
                    backend.attentionGradient(
                        queries: queries.tensor.rows(rows), keys: keys.tensor.rows(rows),
                        values: values.tensor.rows(rows), form, dOut: dOut.rows(rows), dQueries: dQueries?.rows(rows),
                        dKeys: dKeys?.rows(rows), dValues: dValues.rows(rows))
                }
            }
            values.receive(backend) { dValues in
                guard tape?.frozen.contains(.attentionPatterns) == false else { return goBack(nil, nil, dValues) }
                queries.receive(backend) { dQueries in
                    keys.receive(backend) { dKeys in goBack(dQueries, dKeys, dValues) }
                }
            }
        }
        return out
    }

    /// scale · E[token] + P[position]; the gradient is added to the rows that were read.
    func embed() -> Node {
        let (scale, width) = (configuration.embeddingScale, configuration.width)
        let x = node(block.rowCount, width)
        for context in block.contexts {
            for (place, (row, token)) in zip(context.rows, context.tokens).enumerated() {
                let out = x.tensor[row]
                out.update(from: model.weights.embedding[Int(token)], count: width)
                if scale != 1 { for i in 0..<width { out[i] *= scale } }
                if let positions = model.weights.positions {
                    let position = positions[context.firstPosition + place]
                    for i in 0..<width { out[i] += position[i] }
                }
            }
        }
        guard let weights = tape?.weights else { return x }
        tape?.record(x) { dx in
            let embedding = weights[WeightName(.embedding)]
            let positions = model.weights.positions.map { _ in weights[WeightName(.positions)] }
            for context in block.contexts {
                for (place, (row, token)) in zip(context.rows, context.tokens).enumerated() {
                    let (gradient, token) = (dx[row], embedding[Int(token)])
                    for i in 0..<width { token[i] += scale * gradient[i] }
                    if let position = positions?[context.firstPosition + place] {
                        for i in 0..<width { position[i] += gradient[i] }
                    }
                }
            }
        }
        return x
    }
}
