import PrismCore
import PrismModels
import PrismTensor
import Testing

/// Passes that go on from the keys and values of an earlier one.
@Suite struct PastTests {
    static let models = ["tiny-llama", "families/gemma2", "families/qwen3", "families/gpt2", "families/gpt_neox"]

    /// From any layer and any position on: the bits of the whole pass, windows, norms of keys and all.
    @Test(arguments: models) func theRestHasTheBitsOfTheWhole(name: String) throws {
        let model = try Tiny.model(name, backend: CPUBackend())
        let layers = model.configuration.layerCount
        let contexts = Tiny.contexts.map { $0.map { $0 % 40 } }
        let kept: [HookPoint] = (0..<layers).flatMap {
            [.keys(layer: $0), .values(layer: $0), .residualPre(layer: $0)]
        }
        let whole = try model.run(ForwardRequest(contexts: contexts, capture: [.embedding, .finalNorm] + kept))
        // Several contexts of the rest may go on from the same one of the whole.
        let origins = [(0, 3), (2, 1), (0, 0), (3, 8), (0, 6)].map { (context: $0.0, firstPosition: $0.1) }
        let rests = origins.map { Array(contexts[$0.context][$0.firstPosition...]) }
        func rows(_ hook: HookPoint) -> Tensor {
            let chosen = origins.flatMap { origin in
                whole.rows(ofContext: origin.context).dropFirst(origin.firstPosition)
            }
            return whole[hook].gathered(chosen)
        }
        for start in [nil, HookPoint.embedding] + (0..<layers).map({ .residualPre(layer: $0) }) {
            let rest = try model.run(
                ForwardRequest(
                    contexts: rests, capture: [.finalNorm], start: start.map { .init(at: $0, rows($0)) },
                    past: .init(whole, origins: origins)))
            #expect(same(rest[.finalNorm], rows(.finalNorm)), "\(start?.name ?? "tokens")")
        }
    }

    @Test func pastsThatDoNotFitAreRefused() throws {
        let model = try Tiny.model()
        let keys: [HookPoint] = (0..<3).flatMap { [.keys(layer: $0), .values(layer: $0)] }
        let whole = try model.run(ForwardRequest(contexts: Tiny.contexts, capture: keys))
        func run(_ past: ForwardRequest.Past, _ contexts: [[Int32]] = [[1, 2]]) throws {
            _ = try model.run(ForwardRequest(contexts: contexts, capture: [.finalNorm], past: past))
        }
        try run(.init(whole, origins: [(0, 7)]))
        #expect(throws: PrismError.self) { try run(.init(whole, origins: [(0, 8)])) }
        #expect(throws: PrismError.self) { try run(.init(whole, origins: [])) }
        #expect(throws: PrismError.self) {
            try run(
                .init(whole, origins: [(0, 7)]), [[Int32](repeating: 1, count: model.configuration.contextLength - 6)])
        }
        let shallow = try model.run(ForwardRequest(contexts: Tiny.contexts, capture: Array(keys.dropLast())))
        #expect(throws: PrismError.self) { try run(.init(shallow, origins: [(0, 7)])) }
        #expect(throws: PrismError.self) {
            try model.gradients(
                GradientRequest(
                    ForwardRequest(contexts: [[1]], capture: [], past: .init(whole, origins: [(0, 1)])),
                    objective: .logitDifference([(1, nil)])))
        }
    }
}
