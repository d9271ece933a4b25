import Foundation
import PrismActivations
import PrismCore
import PrismTensor
import Testing

/// Vectors that are their own number in the sequence, twice; some of them a million times as long.
private struct Numbers: ActivationSource {
    let vectorCount: Int
    var widths: [Int] { [2] }
    var longOnes: Set<Int> = []

    func read(_ range: Range<Int>, into out: Tensor, workers: Workers, progress: (Int) throws -> Void) throws {
        for (row, number) in range.enumerated() {
            let value = Float(number + 1) * (longOnes.contains(number) ? 1e6 : 1)
            (out[row][0], out[row][1]) = (value, value)
        }
        try progress(range.count)
    }
}

@Suite struct BatchStreamTests {
    private func stream(
        _ source: Numbers, batch: Int, capacity: Int, passes: Int, ceiling: Float = .infinity, seed: UInt64 = 0
    ) throws -> BatchStream {
        try BatchStream(
            source, batch: batch, capacity: capacity, passes: passes,
            sinks: SinkFilter(widths: [2], ceilings: [ceiling]), seed: seed,
            workers: Workers(count: 1))
    }

    /// The numbers of the vectors in a step's batch.
    private func numbers(_ stream: inout BatchStream, _ step: Int) throws -> [Int] {
        let batch = try stream.batch(step: step)
        return (0..<batch.rowCount).map { Int(batch[$0][0]) - 1 }
    }

    /// (vectors, batch, capacity, passes): one generation, several, a remainder, a batch as large as the source.
    static let shapes = [
        (100, 10, 1000, 1), (100, 10, 1000, 3), (1003, 16, 200, 2), (977, 13, 100, 4), (64, 64, 64, 2), (64, 64, 8, 1),
        (129, 64, 128, 5), (500, 1, 100, 2),
    ]

    @Test(arguments: shapes) func everyVectorOfAGenerationComesOncePerPass(
        _ vectors: Int, _ batch: Int, _ capacity: Int, _ passes: Int
    )
        throws
    {
        var stream = try stream(Numbers(vectorCount: vectors), batch: batch, capacity: capacity, passes: passes)
        #expect(stream.plan.capacity % batch == 0 && stream.plan.capacity <= max(capacity, batch))
        let perPass = stream.plan.capacity / batch
        let generations = stream.plan.steps / (perPass * passes)
        #expect(stream.plan.steps == generations * perPass * passes)
        var uses = [Int](repeating: 0, count: vectors)
        for generation in 0..<generations {
            var orders: [[Int]] = []
            for pass in 0..<passes {
                var order: [Int] = []
                for i in 0..<perPass {
                    let step = (generation * passes + pass) * perPass + i
                    #expect(stream.needsRead(step: step) == (pass == 0 && i == 0))
                    order += try numbers(&stream, step)
                }
                let wanted = (0..<stream.plan.capacity).map { generation * stream.plan.capacity + $0 }
                #expect(order.sorted() == wanted)
                orders.append(order)
                for number in order { uses[number] += 1 }
            }
            if stream.plan.capacity >= 10 {
                #expect(Set(orders).count == passes && !orders.contains((0..<stream.plan.capacity).map { $0 }))
            }
        }
        // Every vector is used `passes` times, but for fewer than a batch per generation that do not fill one.
        #expect(uses.allSatisfy { $0 == passes || $0 == 0 })
        #expect(uses.filter { $0 == 0 }.count < batch * generations)
    }

    /// A stream made anew needs nothing but the step: each batch is the one it would have been.
    @Test func aStepsBatchDependsOnNothingElse() throws {
        let source = Numbers(vectorCount: 700)
        var whole = try stream(source, batch: 16, capacity: 130, passes: 3)
        let batches = try (0..<whole.plan.steps).map { try numbers(&whole, $0) }
        var generator = SeededGenerator(seed: 1, stream: "steps")
        for _ in 0..<30 {
            var fresh = try stream(source, batch: 16, capacity: 130, passes: 3)
            for step in (Int.random(in: 0..<fresh.plan.steps, using: &generator)..<fresh.plan.steps).prefix(20) {
                #expect(try numbers(&fresh, step) == batches[step])
            }
        }
        // Backwards and forwards in one stream.
        for step in [whole.plan.steps - 1, 0, 40, 39, 41, 8, 7] { #expect(try numbers(&whole, step) == batches[step]) }
        var other = try stream(source, batch: 16, capacity: 130, passes: 3, seed: 1)
        #expect(try numbers(&other, 0) != batches[0])
    }

    /// A longer stream than the source's: it begins anew.
    @Test func beginsAnewBehindTheEnd() throws {
        var stream = try stream(Numbers(vectorCount: 50), batch: 10, capacity: 30, passes: 1)
        let ahead = stream.plan.steps + stream.plan.capacity / 10
        var seen: Set<Int> = []
        for step in 0..<ahead { seen.formUnion(try numbers(&stream, step)) }
        #expect(seen.isSubset(of: Set(0..<50)))
    }

    @Test func sinksGiveWayToTheirPredecessors() throws {
        var stream = try stream(
            Numbers(vectorCount: 20, longOnes: [0, 1, 7, 8, 19]), batch: 20, capacity: 20, passes: 1, ceiling: 1000)
        let found = try numbers(&stream, 0).sorted()
        // Those before the first ordinary vector take that one.
        let wanted = (0..<20).map { [0: 2, 1: 2, 7: 6, 8: 6, 19: 18][$0] ?? $0 }.sorted()
        #expect(found == wanted)
    }

    @Test func onlySinksStayAsTheyAre() throws {
        var stream = try stream(
            Numbers(vectorCount: 4, longOnes: [0, 1, 2, 3]), batch: 4, capacity: 4, passes: 1, ceiling: 1000)
        #expect(Set(try (0..<4).map { _ in try stream.batch(step: 0)[0][0] }).allSatisfy { $0 >= 1e6 })
    }

    @Test func ceilingIsAMultipleOfTheMedianNorm() throws {
        let source = Numbers(vectorCount: 101, longOnes: [3, 90])
        let ceiling = try SinkFilter(for: source, multiple: 10, workers: Workers(count: 1)).ceilings[0]
        // 101 vectors (i, i); two of those below the median became long, or one below and one above.
        #expect(abs(ceiling / (10 * Float(2).squareRoot() * 52) - 1) < 0.03)
    }

    /// A vector that is long at one of several hook points is a sink, however short it is at the others.
    @Test func aSinkAtOneHookPointIsASink() {
        let sinks = SinkFilter(widths: [2, 1], ceilings: [5, 1])
        for (vector, isSink) in [([3, 4, 1], false), ([3, 4.1, 0], true), ([0, 0, 1.1], true), ([0, 0, -1], false)] {
            #expect(sinks.contains(vector.map(Float.init)) == isSink)
        }
    }

    /// A number that is not finite is named by its vector and never reaches a batch.
    @Test func aVectorThatIsNotFiniteIsRefused() throws {
        let matrix = Tensor(20, 2)
        for i in 0..<40 { matrix.data[i] = 1 }
        matrix[13][1] = .nan
        var stream = try BatchStream(
            MatrixActivations(matrix, rows: 0..<20, seed: 0), batch: 10, capacity: 10, passes: 1,
            sinks: SinkFilter(widths: [2], ceilings: [.infinity]), seed: 0, workers: Workers(count: 1))
        let error = #expect(throws: PrismError.self) { for step in 0..<2 { _ = try stream.batch(step: step) } }
        #expect(error?.kind == .badData && error?.message.contains("is not finite") == true)
    }

    @Test func refusesMoreThanThereIs() throws {
        let error = #expect(throws: PrismError.self) {
            try stream(Numbers(vectorCount: 9), batch: 10, capacity: 10, passes: 1)
        }
        #expect(error?.kind == .usage && error?.message.contains("9") == true)
        _ = try stream(Numbers(vectorCount: 10), batch: 10, capacity: 10, passes: 1)
    }
}
