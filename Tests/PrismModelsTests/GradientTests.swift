import PrismCore
import PrismModels
import PrismTensor
import Testing

/// What a differentiated pass promises besides the numbers of `FamilyTests`.
@Suite struct GradientTests {
    let contexts = Tiny.contexts

    private func request(_ hooks: [HookPoint] = [], interventions: [Intervention] = [])
        -> GradientRequest
    {
        GradientRequest(
            ForwardRequest(contexts: contexts, capture: [], interventions: interventions),
            objective: .crossEntropy(contexts, backend: ReferenceBackend()), hooks: hooks)
    }

    /// The same bits with one thread and many, with all kept and with blocks run again.
    @Test func threadsAndRecomputationChangeNoBit() throws {
        let model = try Tiny.model(backend: CPUBackend())
        var random = SeededGenerator(seed: 5, stream: "contexts")
        let contexts = (0..<40).map { _ in
            (0..<Int.random(in: 0...70, using: &random)).map { _ in Int32.random(in: 0..<64, using: &random) }
        }
        let hooks: [HookPoint] = [.embedding, .neurons(layer: 1), .residualMid(layer: 2)]
        var request = GradientRequest(
            ForwardRequest(contexts: contexts, capture: [.mlpOut(layer: 1)]),
            objective: .crossEntropy(contexts, backend: CPUBackend()), hooks: hooks, weights: true)
        let one = try model.gradients(request, workers: Workers(count: 1))
        let three = try model.gradients(request, workers: Workers(count: 3))
        request.recomputesBlocks = true
        let again = try model.gradients(request, workers: Workers(count: 2))
        for other in [three, again] {
            #expect(other.values == one.values)
            for hook in hooks { #expect(same(other.hooks[hook], one.hooks[hook]), "\(hook)") }
            for name in model.configuration.weightNames {
                let equal = same(other.weights[name]!, one.weights[name]!)
                #expect(equal, "\(name)")
            }
            #expect(same(other.activations[.mlpOut(layer: 1)], one.activations[.mlpOut(layer: 1)]))
        }
        let plain = try model.run(ForwardRequest(contexts: contexts, capture: [.mlpOut(layer: 1)]))
        #expect(same(plain[.mlpOut(layer: 1)], one.activations[.mlpOut(layer: 1)]))
        let loss = try model.crossEntropy(contexts)
        #expect(abs(loss - one.value) < 1e-5)
    }

    /// From a residual stream on, the gradients are those of the whole pass.
    @Test func aPassFromAResidualStreamHasTheSameGradients() throws {
        let model = try Tiny.model()
        let hooks: [HookPoint] = [.residualMid(layer: 1), .mlpOut(layer: 2)]
        var request = request(hooks)
        let whole = try model.gradients(request)
        let start = HookPoint.residualMid(layer: 1)
        let before = try model.run(ForwardRequest(contexts: contexts, capture: [start]))
        request.pass.start = .init(at: start, before[start])
        let rest = try model.gradients(request)
        #expect(rest.values == whole.values)
        for hook in hooks { #expect(same(rest.hooks[hook], whole.hooks[hook]), "\(hook)") }
    }

    /// d(w · activation) is w at the activation itself, and differences say the same at a point before it.
    @Test func aLinearFunctionOfAnActivationIsAnObjective() throws {
        let model = try Tiny.model()
        let (target, source) = (HookPoint.neurons(layer: 2), HookPoint.residualPost(layer: 0))
        let rows = contexts.reduce(0) { $0 + $1.count }
        let weights = Tensor(rows, 40)
        weights[2][7] = 1.5
        weights[12][3] = -2
        func value(_ change: Float) throws -> Double {
            let pass = ForwardRequest(
                contexts: contexts, capture: [],
                interventions: [
                    Intervention(at: source) { x, contexts in
                        if let context = contexts.first(where: { $0.index == 0 }) {
                            x[context.row(ofPosition: 1)!][5] += change
                        }
                    } pullback: { _, _, _ in
                    }
                ])
            return try model.gradients(GradientRequest(pass, objective: .activation(at: target, weights: weights)))
                .value
        }
        var request = GradientRequest(
            ForwardRequest(contexts: contexts, capture: [target]),
            objective: .activation(at: target, weights: weights), hooks: [source, target])
        let found = try model.gradients(request)
        #expect(same(found.hooks[target], weights))
        let expected = 1.5 * Double(found.activations[target][2][7]) - 2 * Double(found.activations[target][12][3])
        #expect(abs(found.value - expected) < 1e-6)
        // Row 1 is position 1 of context 0. Differences at 2⁻⁸ of a smooth function leave an error of some 1e-4.
        let slope = (try value(0x1p-8) - value(-0x1p-8)) / 0x1p-7
        #expect(abs(slope - Double(found.hooks[source][1][5])) < 1e-3 * max(1, abs(slope)))
        request.recomputesBlocks = true
        #expect(try model.gradients(request).values == found.values)
    }

    /// By queries, keys and values before positions turn them, and by heads: against differences.
    @Test func insideAttentionDifferencesSayTheSame() throws {
        let model = try Tiny.model()
        let hooks: [HookPoint] = [.queries(layer: 1), .keys(layer: 1), .values(layer: 1), .heads(layer: 1)]
        let answers: [(Int32, Int32?)] = contexts.map { _ in (7, 31) }
        func request(_ interventions: [Intervention]) -> GradientRequest {
            GradientRequest(
                ForwardRequest(contexts: contexts, capture: [], interventions: interventions),
                objective: .logitDifference(answers), hooks: hooks)
        }
        let found = try model.gradients(request([]))
        for hook in hooks {
            func value(_ change: Float) throws -> Double {
                let nudge = Intervention(at: hook) { x, contexts in
                    if let context = contexts.first(where: { $0.index == 0 }) {
                        x[context.row(ofPosition: 4)!][5] += change
                    }
                } pullback: { _, _, _ in
                }
                return try model.gradients(request([nudge])).value
            }
            // The reference computes in double precision and rounds to fp32: at 2⁻⁵ that is some 1e-5 of the slope's error.
            let slope = (try value(0x1p-5) - value(-0x1p-5)) / 0x1p-4
            #expect(abs(slope - Double(found.hooks[hook][4][5])) < 1e-3 * max(0.1, abs(slope)), "\(hook)")
            #expect(slope != 0)
        }
    }

    @Test func answersAreComparedByTheirLogits() throws {
        let model = try Tiny.model()
        let answers: [(Int32, Int32?)] = [(3, 4), (5, nil), (9, 1), (0, 63)]
        let found = try model.gradients(
            GradientRequest(
                ForwardRequest(contexts: contexts, capture: []), objective: .logitDifference(answers),
                hooks: [.finalNorm]))
        for (index, context) in contexts.enumerated() {
            let logits = try model.logits(context)[context.count - 1]
            let (a, b) = answers[index]
            #expect(abs(found.values[index] - Double(logits[Int(a)] - (b.map { logits[Int($0)] } ?? 0))) < 1e-5)
        }
        // Only the last position of a context counts.
        #expect((0..<32).allSatisfy { found.hooks[.finalNorm][0][$0] == 0 })
    }

    /// An ablation of row 2 hides what comes before it; what stays is as without it. Gradients at the point are those after.
    @Test func interventionsSayHowGradientsGoBack() throws {
        let model = try Tiny.model()
        let hook = HookPoint.mlpOut(layer: 0)
        @Sendable func clear(_ x: Tensor, _ contexts: [ContextRows]) {
            for context in contexts {
                if let row = context.row(ofPosition: 2) { x.rows(row..<row + 1).fill(0) }
            }
        }
        let ablation = Intervention(at: hook, apply: clear) { gradient, _, contexts in clear(gradient, contexts) }
        let opaque = Intervention(at: hook, apply: clear)
        let found = try model.gradients(request([hook, .neurons(layer: 0)], interventions: [ablation]))
        #expect((0..<32).contains { found.hooks[hook][2][$0] != 0 })
        #expect((0..<40).allSatisfy { found.hooks[.neurons(layer: 0)][2][$0] == 0 })
        #expect((0..<40).contains { found.hooks[.neurons(layer: 0)][1][$0] != 0 })
        #expect(throws: PrismError.self) { try model.gradients(request([hook], interventions: [opaque])) }
    }

    @Test func requestsThatCannotBeMetAreRefused() throws {
        let model = try Tiny.model()
        #expect(throws: PrismError.self) { try model.gradients(request([.neurons(layer: 3)])) }
        #expect(throws: PrismError.self) { try model.gradients(request([.embedding, .embedding])) }
        #expect(throws: PrismError.self) {
            try model.gradients(
                GradientRequest(
                    ForwardRequest(contexts: contexts, capture: []),
                    objective: .activation(at: .mlpOut(layer: 0), weights: Tensor(1, 32))))
        }
    }
}
