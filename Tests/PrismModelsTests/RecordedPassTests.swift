import PrismCore
import PrismModels
import PrismTensor
import Testing

/// Passes that are recorded once and gone back many times, with and without constants.
@Suite struct RecordedPassTests {
    let contexts = Tiny.contexts
    var rows: Int { contexts.reduce(0) { $0 + $1.count } }

    private func weights(_ width: Int, seed: UInt64) -> Tensor {
        var random = SeededGenerator(seed: seed, stream: "weights")
        let tensor = Tensor(rows, width)
        for i in 0..<tensor.count { tensor.data[i] = random.normal() }
        return tensor
    }

    /// In any order, as often as asked: what `Transformer.gradients` says, and nothing is left of the time before.
    @Test func everyWayBackIsThatOfAPassOfItsOwn() throws {
        let model = try Tiny.model(backend: CPUBackend())
        let hooks: [HookPoint] = [.embedding, .keys(layer: 1), .mlpOut(layer: 1), .heads(layer: 2)]
        let seeds: [HookPoint] = [.finalNorm, .queries(layer: 1), .mlpIn(layer: 2), .finalNorm, .mlpIn(layer: 0)]
        for frozen in [[], [.attentionPatterns], [.attentionPatterns, .normScales]] as [Frozen] {
            let recorded = try RecordedPass(
                model, ForwardRequest(contexts: contexts, capture: [.mlpOut(layer: 1)]), seeds: seeds, hooks: hooks,
                frozen: frozen)
            for (number, seed) in seeds.enumerated() {
                let weights = weights(model.configuration.width(at: seed), seed: UInt64(number))
                let found = recorded.gradients(of: weights, at: seed)
                var request = GradientRequest(
                    ForwardRequest(contexts: contexts, capture: [.mlpOut(layer: 1)]),
                    objective: .activation(at: seed, weights: weights))
                request.frozen = frozen
                for hook in hooks {
                    let order = Tiny.hooks(layers: 3)
                    guard order.firstIndex(of: hook)! < order.firstIndex(of: seed)! else {
                        #expect(found[hook]!.values.allSatisfy { $0 == 0 })
                        continue
                    }
                    request.hooks = [hook]
                    let expected = try model.gradients(request)
                    #expect(same(found[hook]!, expected.hooks[hook]), "\(seed) → \(hook)")
                    #expect(same(recorded.activations[.mlpOut(layer: 1)], expected.activations[.mlpOut(layer: 1)]))
                }
            }
        }
    }

    /// With patterns and scales constant and MLPs cut off, what the final norm gives is the sum of what embeddings and MLPs
    /// contribute: Σ x ⊙ ∂/∂x over these, since this model has no biases.
    @Test func theRestIsLinearAndComplete() throws {
        let model = try Tiny.model(backend: CPUBackend())
        let sources: [HookPoint] = [.embedding] + (0..<3).map { .mlpOut(layer: $0) }
        let recorded = try RecordedPass(
            model,
            ForwardRequest(
                contexts: contexts, capture: sources + [.finalNorm],
                interventions: sources.map { Intervention(at: $0, stopsGradient: true) }),
            seeds: [.finalNorm], hooks: sources, frozen: [.attentionPatterns, .normScales])
        let weights = weights(32, seed: 9)
        let gradients = recorded.gradients(of: weights, at: .finalNorm)
        func product(_ a: Tensor, _ b: Tensor) -> Double {
            zip(a.values, b.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        }
        let value = product(recorded.activations[.finalNorm], weights)
        let sum = sources.reduce(0) { $0 + product(recorded.activations[$1], gradients[$1]!) }
        // Both are sums of some thousand products of numbers around one, in fp32.
        #expect(abs(value - sum) < 1e-4 * max(1, abs(value)))
        #expect(sources.allSatisfy { source in gradients[source]!.values.contains { $0 != 0 } })
    }

    @Test func moreThanOneBlockIsRefused() throws {
        let model = try Tiny.model()
        for contexts in [[], [[Int32]](repeating: [Int32](repeating: 1, count: 60), count: 9)] {
            #expect(throws: PrismError.self) {
                try RecordedPass(
                    model, ForwardRequest(contexts: contexts, capture: []), seeds: [.finalNorm], hooks: [], frozen: [])
            }
        }
    }
}
