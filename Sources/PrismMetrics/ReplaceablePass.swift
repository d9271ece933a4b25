import Algorithms
import PrismActivations
import PrismCore
import PrismModels
import PrismTensor

/// A model's pass over contexts, and the same with activations replaced, which begins where they are.
package struct ReplaceablePass {
    package let clean: CapturedActivations
    /// The captured rows of all used positions, the contexts one after the other.
    package let rows: [Int]
    private let model: Transformer
    private let contexts: [TokenContext]
    private let workers: Workers

    /// - replacing: hook points that will be replaced together. capture: what to read besides.
    package init(
        _ model: Transformer, _ contexts: [TokenContext], replacing: [[HookPoint]], capture: [HookPoint],
        workers: Workers
    ) throws {
        (self.model, self.contexts, self.workers) = (model, contexts, workers)
        let starts = replacing.map { model.start(before: $0) }
        clean = try model.run(
            ForwardRequest(
                contexts: contexts.map(\.tokens), capture: Array((capture + starts + [.finalNorm]).uniqued())),
            workers: workers)
        rows = contexts.indices.flatMap { [clean] index in
            contexts[index].positions.map { clean.rows(ofContext: index).lowerBound + Int($0) }
        }
    }

    /// The final norm's output with the activations at the used positions replaced, [all tokens, width].
    /// - values: for all used positions one after the other, [positions, Σ widths of the hooks].
    package func finalNorm(replacing hooks: [HookPoint], by values: Tensor) throws -> Tensor {
        try changed(replacing: hooks, by: values, capture: [.finalNorm])[.finalNorm]
    }

    /// What a pass with the activations at the used positions replaced captures.
    /// - values: as above. capture: points from the replaced ones on.
    package func changed(
        replacing hooks: [HookPoint], by values: Tensor, capture: [HookPoint]
    ) throws -> CapturedActivations {
        let starts = contexts.reductions(0) { $0 + $1.positions.count }
        var column = 0
        let interventions = hooks.map { hook in
            let first = column
            column += model.configuration.width(at: hook)
            return Intervention(at: hook) { [contexts] activation, rows in
                for context in rows {
                    for (i, position) in contexts[context.index].positions.enumerated() {
                        activation[context.rows.lowerBound + Int(position)].update(
                            from: values[starts[context.index] + i] + first, count: activation.rowWidth)
                    }
                }
            }
        }
        let start = model.start(before: hooks)
        let request = ForwardRequest(
            contexts: contexts.map(\.tokens), capture: capture, interventions: interventions,
            start: .init(at: start, clean[start]))
        return try model.run(request, workers: workers)
    }

    /// KL(clean ‖ changed) in nats of what is predicted at each used position, contexts one after the other.
    /// - norms: the final norm's output of the changed pass.
    package func divergences(_ norms: Tensor) -> [Double] {
        let (vocabulary, before) = (model.configuration.vocabularySize, clean[.finalNorm])
        return workers.map(rows.count, by: 16) { _, range in
            let own = range.map { rows[$0] }
            // Rows that nothing reached predict the same.
            let changed = own.filter { row in
                (0..<norms.rowWidth).contains { before[row][$0] != norms[row][$0] }
            }
            let logits = [before, norms].map { norm in
                let out = Tensor(changed.count, vocabulary)
                if !changed.isEmpty { model.logits(norm.gathered(changed), into: out) }
                return out
            }
            var found: [Int: Double] = [:]
            for (i, row) in changed.enumerated() {
                let sums = logits.map { logSumExp($0[i], count: vocabulary) }
                found[row] = divergence(logits[0][i], sums[0], logits[1][i], sums[1], count: vocabulary)
            }
            return own.map { found[$0] ?? 0 }
        }.flatMap(\.self)
    }
}
