import Foundation
import PrismActivations
import PrismCore
import PrismTensor
import Testing

/// Vectors that are their own number in the sequence, twice; some of them a million times as long.
private struct Numbers: ActivationSource {
    let vectorCount: Int
    var width: Int { 2 }
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
            source, batch: batch, capacity: capacity, passes: passes, normCeiling: ceiling, seed: seed,
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
        #expect(stream.capacity % batch == 0 && stream.capacity <= max(capacity, batch))
        let perPass = stream.capacity / batch
        let generations = stream.steps / (perPass * passes)
        #expect(stream.steps == generations * perPass * passes)
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
                let wanted = (0..<stream.capacity).map { generation * stream.capacity + $0 }
                #expect(order.sorted() == wanted)
                orders.append(order)
                for number in order { uses[number] += 1 }
            }
            if stream.capacity >= 10 {
                #expect(Set(orders).count == passes && !orders.contains((0..<stream.capacity).map { $0 }))
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
        let batches = try (0..<whole.steps).map { try numbers(&whole, $0) }
        var generator = SeededGenerator(seed: 1, stream: "steps")
        for _ in 0..<30 {
            var fresh = try stream(source, batch: 16, capacity: 130, passes: 3)
            for step in (Int.random(in: 0..<fresh.steps, using: &generator)..<fresh.steps).prefix(20) {
                #expect(try numbers(&fresh, step) == batches[step])
            }
        }
        // Backwards and forwards in one stream.
        for step in [whole.steps - 1, 0, 40, 39, 41, 8, 7] { #expect(try numbers(&whole, step) == batches[step]) }
        var other = try stream(source, batch: 16, capacity: 130, passes: 3, seed: 1)
        #expect(try numbers(&other, 0) != batches[0])
    }

    /// A longer stream than the source's: it begins anew.
    @Test func beginsAnewBehindTheEnd() throws {
        var stream = try stream(Numbers(vectorCount: 50), batch: 10, capacity: 30, passes: 1)
        let ahead = stream.steps + stream.capacity / 10
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
        let ceiling = try Numbers(vectorCount: 101, longOnes: [3, 90]).normCeiling(
            multiple: 10, workers: Workers(count: 1))
        // 101 vectors (i, i); two of those below the median became long, or one below and one above.
        #expect(abs(ceiling / (10 * Float(2).squareRoot() * 52) - 1) < 0.03)
    }

    @Test func refusesMoreThanThereIs() throws {
        let error = #expect(throws: PrismError.self) {
            try stream(Numbers(vectorCount: 9), batch: 10, capacity: 10, passes: 1)
        }
        #expect(error?.kind == .usage && error?.message.contains("9") == true)
        _ = try stream(Numbers(vectorCount: 10), batch: 10, capacity: 10, passes: 1)
    }
}
