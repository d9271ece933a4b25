import PrismCore
import PrismTensor

/// Contexts whose rows go through the model together.
struct ContextBlock: Sendable {
    let contexts: [ContextRows]
    /// The block's first row in the captured tensors.
    let firstRow: Int

    var rowCount: Int { contexts.last?.rows.upperBound ?? 0 }
}

/// One block's way through the model, on the calling thread: embed or resume, run layers, stop at the plan's last point.
/// With a tape it is recorded, and can be gone back; the arithmetic is the same.
struct Pass {
    let model: Transformer
    let block: ContextBlock
    let plan: ForwardPlan
    let workspace: Workspace
    /// The past of the block's single context; nil if all contexts start at position 0. Its count is the caller's to
    /// advance.
    var cache: KeyValueCache?
    /// Per captured hook [all tokens, width at the hook]; the block writes its own rows.
    let outputs: [Tensor]
    /// The same for gradients that are wanted.
    var gradientOutputs: [Tensor] = []
    var tape: Tape?

    var backend: any Backend { model.backend }
    var configuration: TransformerConfiguration { model.configuration }

    /// - Returns: the final norm's output; nil where the plan ends before it, or the block has no rows.
    func run() -> Node? {
        guard block.rowCount > 0 else { return nil }
        var x: Node
        if let start = plan.start {
            x = node(block.rowCount, configuration.width)
            x.tensor.data.update(from: start.residual[block.firstRow], count: x.tensor.count)
        } else {
            x = embed()
        }
        if ends(.embedding, x) { return nil }
        for layer in (plan.start?.hook.layer ?? 0)..<configuration.layerCount {
            guard let next = recomputed(layer, x) ?? self.layer(layer, x) else { return nil }
            x = next
        }
        let normed = norm(x, model.weights.finalNorm)
        return ends(.finalNorm, normed) ? nil : normed
    }

    /// One block of the model: attention and MLP, each of which reads the residual stream through a norm and adds to it.
    private func layer(_ layer: Int, _ input: Node) -> Node? {
        let weights = model.weights.blocks[layer]
        let isParallel = !configuration.hasResidualMid
        if ends(.residualPre(layer: layer), input) { return nil }
        var (x, normed) = (input, input)
        if !starts(after: .residualPre(layer: layer)) {
            normed = weights.attentionNorm.map { norm(x, $0) } ?? x
            guard let heads = attend(layer, normed) else { return nil }
            var attended = linear(heads, weights.attentionOut)
            if let post = weights.attentionPostNorm { attended = norm(attended, post) }
            if ends(.attentionOut(layer: layer), attended) { return nil }
            x = add(x, to: attended)
        }
        if !isParallel, ends(.residualMid(layer: layer), x) { return nil }
        if !starts(after: .residualMid(layer: layer)) {
            let reads = isParallel ? input : x
            let mlpIn = weights.mlpNorm.map { norm(reads, $0) } ?? copy(isParallel ? normed : reads)
            if ends(.mlpIn(layer: layer), mlpIn) { return nil }
            let up = linear(mlpIn, weights.up)
            let neurons = weights.gate.map { activate(linear(mlpIn, $0), up: up) } ?? activate(up, up: nil)
            if ends(.neurons(layer: layer), neurons) { return nil }
            var written = linear(neurons, weights.down)
            if let post = weights.mlpPostNorm { written = norm(written, post) }
            if ends(.mlpOut(layer: layer), written) { return nil }
            x = add(x, to: written)
        }
        return ends(.residualPost(layer: layer), x) ? nil : x
    }

    /// Heads' outputs side by side, [rows, heads · headWidth]; nil where the pass ends.
    private func attend(_ layer: Int, _ normed: Node) -> Node? {
        let weights = model.weights.blocks[layer]
        var queries = linear(normed, weights.query)
        if ends(.queries(layer: layer), queries) { return nil }
        var keys = linear(normed, weights.key)
        if ends(.keys(layer: layer), keys) { return nil }
        var values = linear(normed, weights.value)
        if ends(.values(layer: layer), values) { return nil }
        (keys, values) = (behindPast(keys, .keys(layer: layer)), behindPast(values, .values(layer: layer)))
        if let queryNorm = weights.queryNorm { queries = norm(queries, queryNorm) }
        if let keyNorm = weights.keyNorm { keys = norm(keys, keyNorm) }
        let form = configuration.attentionForm(layer: layer)
        if configuration.rotaryWidth > 0 {
            let frequencies = form.window == nil ? model.frequencies : model.windowedFrequencies
            rotate(queries, block.contexts.map { ($0.rows, $0.firstPosition) }, frequencies)
            rotate(keys, keyRows, frequencies)
        }
        let heads = attention(queries, keys, values, form, layer: layer)
        return ends(.heads(layer: layer), heads) ? nil : heads
    }

    /// A layer of which the tape keeps only what it read: on the way back it runs again, recorded.
    /// - Returns: nil if the tape keeps everything, or the pass ends in this layer.
    private func recomputed(_ layer: Int, _ x: Node) -> Node? {
        guard let tape, tape.recomputesBlocks,
            plan.last > HookPoint.residualPost(layer: layer).order(layerCount: configuration.layerCount)
        else { return nil }
        // Interventions change their point in place: what the layer read must be there when it runs again.
        let kept = copy(x)
        var unrecorded = self
        unrecorded.tape = nil
        guard let y = unrecorded.layer(layer, x) else { return nil }
        tape.record(y) { dy in
            var again = self
            again.tape = Tape(weights: tape.weights, frozen: tape.frozen)
            let output = again.layer(layer, kept)
            output?.receive(backend) { $0.update(from: dy) }
            again.tape?.rewind()
            tape.values.merge(again.tape!.values) { $0 + $1 }
        }
        return y
    }

    /// Applies the interventions at a point, then copies the rows out if they are captured; on the way back, copies the
    /// gradient out and lets the interventions change it.
    /// - Returns: whether the pass ends here.
    private func ends(_ hook: HookPoint, _ activation: Node) -> Bool {
        let order = hook.order(layerCount: configuration.layerCount)
        let interventions = plan.interventions[order]
        for intervention in interventions { intervention.apply(activation.tensor, block.contexts) }
        if let index = plan.captures[order] { copyOut(activation.tensor, to: outputs[index]) }
        if let tape {
            let wanted = plan.gradients[order]
            if wanted != nil || !interventions.isEmpty {
                tape.record(activation) { gradient in
                    if let wanted { copyOut(gradient, to: gradientOutputs[wanted]) }
                    for intervention in interventions.reversed() {
                        guard !intervention.stopsGradient else { return activation.dropGradient() }
                        intervention.pullback?(gradient, activation.tensor, block.contexts)
                    }
                }
            }
            if plan.seeds.contains(order) { tape.markSeed(order, activation) }
        }
        return order == plan.last
    }

    private func copyOut(_ rows: Tensor, to all: Tensor) {
        all[block.firstRow].update(from: rows.data, count: rows.count)
    }

    /// Points before the start carry neither captures nor interventions: the plan has refused them.
    private func starts(after hook: HookPoint) -> Bool {
        plan.first > hook.order(layerCount: configuration.layerCount)
    }
}
