import PrismCore
import PrismTensor

/// Contexts whose rows go through the model together.
struct ContextBlock: Sendable {
    let contexts: [ContextRows]
    /// The block's first row in the captured tensors.
    let firstRow: Int

    var rowCount: Int { contexts.last?.rows.upperBound ?? 0 }
}

extension Transformer {
    /// One forward pass over one block, on the calling thread: embed or resume, run blocks, stop at the plan's last point.
    ///
    /// - outputs: per captured hook [all tokens, width at the hook]; the block writes its own rows.
    /// - cache: the past of the block's single context; nil if all contexts start at position 0. Its count is the
    ///   caller's to advance.
    func forward(
        _ block: ContextBlock, _ plan: ForwardPlan, _ workspace: Workspace, cache: KeyValueCache? = nil,
        outputs: [Tensor]
    ) {
        let rows = 0..<block.rowCount
        if rows.isEmpty { return }
        let residual = workspace.residual.rows(rows)
        let normed = workspace.normed.rows(rows)
        let branch = workspace.branch.rows(rows)

        func ends(_ hook: HookPoint, _ activation: Tensor) -> Bool {
            plan.visit(
                hook.order(layerCount: configuration.layerCount), activation, block.contexts, outputs,
                row: block.firstRow)
        }
        // Points before the start carry neither captures nor interventions: the plan has refused them.
        func starts(after hook: HookPoint) -> Bool { plan.first > hook.order(layerCount: configuration.layerCount) }

        if let start = plan.start {
            residual.data.update(from: start.residual[block.firstRow], count: residual.count)
        } else {
            embed(block.contexts, into: residual)
        }
        if ends(.embedding, residual) { return }

        for layer in (plan.start?.hook.layer ?? 0)..<configuration.layerCount {
            let weights = weights.blocks[layer]
            if ends(.residualPre(layer: layer), residual) { return }
            if !starts(after: .residualPre(layer: layer)) {
                backend.rmsNorm(
                    residual, weight: weights.attentionNorm, epsilon: configuration.normEpsilon, into: normed)
                attend(layer, normed, block.contexts, workspace, cache)
                backend.linear(workspace.mixed.rows(rows), weights.attentionOut, into: branch)
                if ends(.attentionOut(layer: layer), branch) { return }
                backend.add(branch, to: residual)
            }
            if ends(.residualMid(layer: layer), residual) { return }
            if !starts(after: .residualMid(layer: layer)) {
                backend.rmsNorm(residual, weight: weights.mlpNorm, epsilon: configuration.normEpsilon, into: normed)
                if ends(.mlpIn(layer: layer), normed) { return }
                let (gate, up) = (workspace.gate.rows(rows), workspace.up.rows(rows))
                backend.linear(normed, weights.gate, into: gate)
                backend.linear(normed, weights.up, into: up)
                backend.gatedSiLU(gate: gate, up: up, into: gate)
                if ends(.neurons(layer: layer), gate) { return }
                backend.linear(gate, weights.down, into: branch)
                if ends(.mlpOut(layer: layer), branch) { return }
                backend.add(branch, to: residual)
            }
            if ends(.residualPost(layer: layer), residual) { return }
        }
        backend.rmsNorm(residual, weight: weights.finalNorm, epsilon: configuration.normEpsilon, into: normed)
        _ = ends(.finalNorm, normed)
    }

    /// x[t] = E[token t].
    private func embed(_ contexts: [ContextRows], into residual: Tensor) {
        for context in contexts {
            for (row, token) in zip(context.rows, context.tokens) {
                residual[row].update(from: weights.embedding[Int(token)], count: configuration.width)
            }
        }
    }

    /// Attention of every context over itself (and its cached past), before the output projection: into `workspace.mixed`.
    private func attend(
        _ layer: Int, _ normed: Tensor, _ contexts: [ContextRows], _ workspace: Workspace, _ cache: KeyValueCache?
    ) {
        let weights = weights.blocks[layer]
        let headWidth = configuration.headWidth
        let queries = workspace.queries.rows(0..<normed.rowCount)
        let allKeys = cache?.keys[layer] ?? workspace.keys
        let allValues = cache?.values[layer] ?? workspace.values
        let past = cache?.count ?? 0
        let fresh = past..<past + normed.rowCount
        backend.linear(normed, weights.query, into: queries)
        backend.linear(normed, weights.key, into: allKeys.rows(fresh))
        backend.linear(normed, weights.value, into: allValues.rows(fresh))
        for context in contexts {
            let own = queries.rows(context.rows)
            let ownFresh = past + context.rows.lowerBound..<past + context.rows.upperBound
            let position = context.firstPosition
            backend.rotate(own, headWidth: headWidth, firstPosition: position, frequencies: frequencies)
            backend.rotate(
                allKeys.rows(ownFresh), headWidth: headWidth, firstPosition: position, frequencies: frequencies)
            // Without a cache a context's keys start at its own first row; with one, at position 0.
            let seen = (cache == nil ? ownFresh.lowerBound : 0)..<ownFresh.upperBound
            backend.attention(
                queries: own, keys: allKeys.rows(seen), values: allValues.rows(seen), headWidth: headWidth,
                into: workspace.mixed.rows(context.rows))
        }
    }
}
