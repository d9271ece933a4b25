import PrismCore
import PrismTensor

/// A pass over one block of contexts, recorded so that it can be gone back from many points: where each of thousands of
/// targets has a gradient of its own, as in attribution graphs, the pass forward is paid once.
///
/// One thread at a time uses it; several threads record one each.
package final class RecordedPass {
    /// What the request captured.
    package let activations: CapturedActivations
    private let pass: Pass
    private let tape: Tape
    private let hooks: [HookPoint]

    /// - request: contexts of together at most 512 tokens, or one.
    /// - seeds: points to go back from. hooks: points whose gradients are wanted.
    /// - Throws: `PrismError.usage` as `Transformer.gradients`, and for more tokens than one block has.
    package init(
        _ model: Transformer, _ request: ForwardRequest, seeds: [HookPoint], hooks: [HookPoint], frozen: Frozen
    ) throws {
        let plan = try ForwardPlan(request, model.configuration, gradients: hooks, seeds: seeds)
        let blocks = Transformer.blocks(of: request, enough: Transformer.blockTokens)
        guard blocks.count == 1 else {
            throw PrismError.usage(
                "a recorded pass takes contexts of together at most \(Transformer.blockTokens) tokens, and at least one"
            )
        }
        func tensors(_ hooks: [HookPoint]) -> [Tensor] {
            hooks.map { Tensor(request.tokenCount, model.configuration.width(at: $0)) }
        }
        let captured = tensors(request.capture)
        tape = Tape(frozen: frozen)
        pass = Pass(
            model: model, block: blocks[0], plan: plan, workspace: Workspace(capacity: request.tokenCount),
            outputs: captured, gradientOutputs: tensors(hooks), tape: tape)
        self.hooks = hooks
        _ = pass.run()
        activations = CapturedActivations(request, Dictionary(uniqueKeysWithValues: zip(request.capture, captured)))
    }

    /// ∂ Σ rows ⊙ activation(seed) / ∂ activation(hook) for each of the hooks, [tokens, width at the hook]; zero where
    /// nothing leads from the hook to the seed. Overwritten by the next call.
    /// - rows: [tokens, width at the seed].
    package func gradients(of rows: Tensor, at seed: HookPoint) -> [HookPoint: Tensor] {
        let order = seed.order(layerCount: pass.configuration.layerCount)
        for output in pass.gradientOutputs { output.fill(0) }
        tape.seed(order).receive(pass.backend) { $0.update(from: rows) }
        tape.rewind(keepingEntriesFrom: order)
        return Dictionary(uniqueKeysWithValues: zip(hooks, pass.gradientOutputs))
    }
}
