import PrismCore
import PrismModels
import PrismTensor
import Synchronization
import Testing

@Suite struct ForwardTests {
    @Test func aPassFromAnyResidualStreamEndsInTheSameBits() throws {
        let model = try Tiny.model()
        let hooks = Tiny.hooks(layers: 3)
        let whole = try model.run(ForwardRequest(contexts: Tiny.contexts, capture: hooks))
        for (index, hook) in hooks.enumerated() where hook.name.contains("resid") || hook == .embedding {
            let before = whole[hook].values
            let rest = try model.run(
                ForwardRequest(
                    contexts: Tiny.contexts, capture: Array(hooks[index...]), start: .init(at: hook, whole[hook])))
            for later in hooks[index...] { #expect(same(rest[later], whole[later]), "\(hook) → \(later)") }
            #expect(whole[hook].values == before)
        }
    }

    @Test func anInterventionThatChangesNothingChangesNoBit() throws {
        let model = try Tiny.model()
        let hooks = Tiny.hooks(layers: 3)
        let plain = try model.run(ForwardRequest(contexts: Tiny.contexts, capture: hooks))
        let touched = try model.run(
            ForwardRequest(
                contexts: Tiny.contexts, capture: hooks,
                interventions: hooks.map { Intervention(at: $0) { x, _ in for i in 0..<x.count { x.data[i] *= 1 } } }))
        for hook in hooks { #expect(same(touched[hook], plain[hook]), "\(hook)") }
    }

    @Test func anInterventionActsOnWhatFollowsAndIsSeenByTheCapture() throws {
        let model = try Tiny.model()
        let hooks = Tiny.hooks(layers: 3)
        let plain = try model.run(ForwardRequest(contexts: Tiny.contexts, capture: hooks))
        for (index, hook) in hooks.enumerated() {
            let changed = try model.run(
                ForwardRequest(
                    contexts: Tiny.contexts, capture: hooks,
                    interventions: [Intervention(at: hook) { x, _ in x.fill(0) }]))
            for earlier in hooks[..<index] { #expect(same(changed[earlier], plain[earlier])) }
            #expect(changed[hook].values.allSatisfy { $0 == 0 })
            if hook != .finalNorm { #expect(changed[.finalNorm].values != plain[.finalNorm].values) }
        }
        // The residual stream is the sum of its parts.
        let ablated = try model.run(
            ForwardRequest(
                contexts: Tiny.contexts, capture: hooks,
                interventions: [Intervention(at: .mlpOut(layer: 1)) { x, _ in x.fill(0) }]))
        #expect(same(ablated[.residualPost(layer: 1)], plain[.residualMid(layer: 1)]))
    }

    /// Small requests are shared out too; large ones in blocks that caches hold.
    @Test(arguments: [
        (contexts: 8, tokens: 30, blocks: [2, 3, 3]), (8, 5, [8]), (40, 64, [8, 8, 8, 8, 8]),
    ]) func blocksAreAFew(contexts: Int, tokens: Int, blocks: [Int]) throws {
        let seen = Mutex<[Int]>([])
        let spy = Intervention(at: .residualPre(layer: 0)) { _, contexts in seen.withLock { $0.append(contexts.count) }
        }
        let request = ForwardRequest(
            contexts: [[Int32]](repeating: (0..<Int32(tokens)).map { $0 % 30 }, count: contexts),
            capture: [.residualPost(layer: 0)], interventions: [spy])
        _ = try Tiny.model().run(request)
        #expect(seen.withLock { $0.sorted() } == blocks)
    }

    @Test func anInterventionKnowsContextPositionAndToken() throws {
        let model = try Tiny.model()
        let seen = Mutex<[Int: [Int32]]>([:])
        let found = try model.run(
            ForwardRequest(
                contexts: Tiny.contexts, capture: [.residualPre(layer: 2)],
                interventions: [
                    Intervention(at: .residualPre(layer: 2)) { activation, contexts in
                        for context in contexts {
                            seen.withLock { $0[context.index] = context.tokens }
                            activation[context.row(ofPosition: 0)!][3] = Float(context.index)
                            #expect(context.row(ofPosition: context.tokens.count) == nil)
                        }
                    }
                ]))
        for (index, context) in Tiny.contexts.enumerated() {
            #expect(seen.withLock { $0[index] } == context)
            #expect(found[.residualPre(layer: 2)][found.rows(ofContext: index).lowerBound][3] == Float(index))
        }
    }

    @Test func interventionsAtOnePointFollowTheirOrder() throws {
        let model = try Tiny.model()
        let two = Intervention(at: .embedding) { x, _ in x.fill(2) }
        let square = Intervention(at: .embedding) { x, _ in for i in 0..<x.count { x.data[i] *= x.data[i] } }
        let found = try model.run(
            ForwardRequest(contexts: [[1]], capture: [.embedding], interventions: [two, square]))
        #expect(found[.embedding].values.allSatisfy { $0 == 4 })
    }

    /// 40 contexts of up to 70 tokens make several blocks.
    @Test func groupingAndThreadsChangeNoBit() throws {
        let model = try Tiny.model()
        var random = SeededGenerator(seed: 7, stream: "contexts")
        let contexts = (0..<40).map { _ in
            (0..<Int.random(in: 0...70, using: &random)).map { _ in Int32.random(in: 0..<64, using: &random) }
        }
        let hooks: [HookPoint] = [.neurons(layer: 1), .finalNorm]
        let request = ForwardRequest(contexts: contexts, capture: hooks)
        let one = try model.run(request, workers: Workers(count: 1))
        let three = try model.run(request, workers: Workers(count: 3))
        for hook in hooks { #expect(same(one[hook], three[hook])) }
        for (index, context) in contexts.enumerated() {
            let alone = try model.run(ForwardRequest(contexts: [context], capture: hooks))
            for hook in hooks {
                #expect(same(alone[hook], one[hook].rows(one.rows(ofContext: index))))
            }
        }
    }

    @Test func outputsOfTheCallerAreFilled() throws {
        let model = try Tiny.model()
        let request = ForwardRequest(contexts: Tiny.contexts, capture: [.neurons(layer: 0), .embedding])
        let found = try model.run(request)
        let outputs = [Tensor(request.tokenCount + 5, 40), Tensor(request.tokenCount, 32)]
        try model.run(request, into: [outputs[0].rows(5..<request.tokenCount + 5), outputs[1]])
        #expect(outputs[0].rows(5..<request.tokenCount + 5).values == found[.neurons(layer: 0)].values)
        #expect(outputs[0].rows(0..<5).values.allSatisfy { $0 == 0 })
        #expect(same(outputs[1], found[.embedding]))
    }

    @Test func noTokensGiveNoRows() throws {
        let found = try Tiny.model().run(ForwardRequest(contexts: [[], []], capture: [.finalNorm]))
        #expect(found[.finalNorm].shape == [0, 32])
    }

    @Test func requestsThatCannotBeMetAreRefused() throws {
        let model = try Tiny.model()
        func message(_ request: ForwardRequest) -> String {
            do {
                _ = try model.run(request)
                return ""
            } catch {
                #expect((error as? PrismError)?.kind == .usage)
                return "\(error)"
            }
        }
        #expect(
            message(ForwardRequest(contexts: [[1]], capture: [.residualPost(layer: 3)]))
                == "there is no blocks.3.hook_resid_post: the model's layers are 0 to 2")
        #expect(message(ForwardRequest(contexts: [[1]], capture: [])).contains("name a hook point"))
        #expect(message(ForwardRequest(contexts: [[1]], capture: [.finalNorm, .finalNorm])).contains("twice"))
        #expect(message(ForwardRequest(contexts: [[1, 64]], capture: [.finalNorm])).contains("no token 64"))
        #expect(message(ForwardRequest(contexts: [[-1]], capture: [.finalNorm])).contains("no token -1"))
        let long = [Int32](repeating: 1, count: 129)
        #expect(message(ForwardRequest(contexts: [long], capture: [.finalNorm])).contains("at most 128"))
        var request = ForwardRequest(contexts: [[1]], capture: [.residualPre(layer: 1)])
        request.start = .init(at: .residualPre(layer: 2), Tensor(1, 32))
        #expect(message(request).contains("lies before"))
        request.capture = [.finalNorm]
        request.start = .init(at: .residualPre(layer: 2), Tensor(2, 32))
        #expect(message(request).contains("[2, 32]"))
        request.start = .init(at: .mlpOut(layer: 2), Tensor(1, 32))
        #expect(message(request).contains("cannot start"))
    }
}
