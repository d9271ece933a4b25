import Foundation
import PrismActivations
import PrismCore
import PrismModels
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct ModelActivationsTests {
    /// Contexts of 1 to 40 tokens, the positions used being all, some or none of them.
    static let contexts: [TokenContext] = {
        var generator = SeededGenerator(seed: 1, stream: "contexts")
        return (0..<400).map { number in
            let tokens = (0..<Int.random(in: 1...40, using: &generator)).map { _ in
                Int32.random(in: 0..<64, using: &generator)
            }
            let share = [1, 0.5, 0][number % 7 == 0 ? 2 : number % 2]
            let positions = (0..<tokens.count).filter { _ in Double(generator.uniform()) < share }
            return TokenContext(tokens: tokens, document: number / 3, positions: positions.map(Int32.init))
        }
    }()

    static func source(_ hook: HookPoint = .residualPost(layer: 1)) throws -> ModelActivations {
        let model = try Transformer(loading: golden("PrismModelsTests", "tiny-llama"), backend: CPUBackend())
        return ModelActivations(model, hooks: [hook], contexts: contexts)
    }

    func read(_ source: some ActivationSource, _ range: Range<Int>, threads: Int = 2) throws -> Tensor {
        let out = Tensor(range.count, source.width)
        var told = 0
        try source.read(range, into: out, workers: Workers(count: threads)) { told += $0 }
        #expect(told == range.count)
        return out
    }

    func same(_ a: Tensor, _ b: Tensor) -> Bool { a.shape == b.shape && memcmp(a.data, b.data, 4 * a.count) == 0 }

    /// The sequence is what one pass per context gives, used positions in order.
    @Test(arguments: [HookPoint.embedding, .residualPost(layer: 1), .neurons(layer: 2), .finalNorm])
    func wholeSequenceIsTheModels(_ hook: HookPoint) throws {
        let source = try Self.source(hook)
        let whole = try read(source, 0..<source.vectorCount)
        #expect(source.width == source.model.configuration.width(at: hook))
        var row = 0
        for context in Self.contexts {
            let x = try source.model.run(ForwardRequest(contexts: [context.tokens], capture: [hook]))[hook]
            for position in context.positions {
                #expect(memcmp(whole[row], x[Int(position)], 4 * source.width) == 0)
                row += 1
            }
        }
        #expect(row == source.vectorCount)
    }

    @Test func anyRangeIsASliceOfTheWhole() throws {
        let source = try Self.source()
        let count = source.vectorCount
        let whole = try read(source, 0..<count, threads: 1)
        var generator = SeededGenerator(seed: 2, stream: "ranges")
        var ranges = [0..<0, count..<count, 0..<1, count - 1..<count, 0..<count, 1..<count - 1]
        for _ in 0..<150 {
            let (a, b) = (Int.random(in: 0...count, using: &generator), Int.random(in: 0...count, using: &generator))
            let short = min(count, a + Int.random(in: 0...60, using: &generator))
            ranges += [min(a, b)..<max(a, b), a..<short]
        }
        for range in ranges { #expect(same(try read(source, range), whole.rows(range)), "\(range)") }
    }

    /// Progress that throws, as an interrupt does, ends the reading with that error.
    @Test func progressCanStopIt() throws {
        let source = try Self.source()
        let out = Tensor(source.vectorCount, source.width)
        #expect(throws: PrismError.runFailed("enough")) {
            try source.read(0..<source.vectorCount, into: out, workers: Workers(count: 1)) { _ in
                throw PrismError.runFailed("enough")
            }
        }
    }

    @Test func matrixRowsComeInAFixedRandomOrder() throws {
        let matrix = Tensor(shape: [200, 1], (0..<200).map(Float.init))
        let rows = Array(stride(from: 1, to: 200, by: 2))
        let values = try read(MatrixActivations(matrix, rows: rows, seed: 4), 0..<100).values
        #expect(Set(values) == Set(rows.map(Float.init)) && values != rows.map(Float.init))
        #expect(try read(MatrixActivations(matrix, rows: rows, seed: 4), 30..<41).values == Array(values[30..<41]))
        #expect(try read(MatrixActivations(matrix, rows: rows, seed: 5), 0..<100).values != values)
    }

    /// Vectors of several hook points are the single ones' side by side.
    @Test func hookPointsStandSideBySide() throws {
        let hooks = [HookPoint.neurons(layer: 0), .residualPost(layer: 1)]
        let single = try hooks.map { try read(Self.source($0), 100..<300) }
        let both = ModelActivations(try Self.source().model, hooks: hooks, contexts: Self.contexts)
        #expect(both.widths == single.map(\.rowWidth))
        let joined = try read(both, 100..<300)
        let parts = [0..<single[0].rowWidth, single[0].rowWidth..<both.width]
        for (part, expected) in zip(parts, single) { #expect(same(joined.columns([part]), expected)) }
    }
}
