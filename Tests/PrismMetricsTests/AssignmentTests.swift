import PrismCore
import PrismMetrics
import PrismTensor
import Testing

@Suite struct AssignmentTests {
    /// The naive twin: every way to give each row a column of its own.
    private func best(_ weights: Tensor, from row: Int = 0, taken: Set<Int> = []) -> Double {
        guard row < weights.rowCount else { return 0 }
        return (0..<weights.rowWidth).filter { !taken.contains($0) }.map {
            Double(weights[row][$0]) + best(weights, from: row + 1, taken: taken.union([$0]))
        }.max()!
    }

    private func sum(_ weights: Tensor, _ columns: [Int]) -> Double {
        #expect(Set(columns).count == weights.rowCount)
        return columns.enumerated().reduce(0) { $0 + Double(weights[$1.offset][$1.element]) }
    }

    @Test func noMatchingIsBetter() {
        var generator = SeededGenerator(seed: 1, stream: "assignment")
        for trial in 0..<400 {
            let rows = Int.random(in: 1...6, using: &generator)
            let columns = Int.random(in: rows...7, using: &generator)
            let weights = Tensor(rows, columns)
            for i in 0..<weights.count {
                // Every third trial is full of ties.
                weights.data[i] = trial % 3 == 0 ? Float(Int.random(in: 0...2, using: &generator)) : generator.normal()
            }
            // Both are sums of the same few numbers.
            #expect(abs(sum(weights, maximumAssignment(weights)) - best(weights)) < 1e-9)
        }
    }

    @Test func findsAPlantedMatching() {
        var generator = SeededGenerator(seed: 2, stream: "assignment")
        for (rows, columns) in [(150, 150), (97, 211), (1, 5), (0, 3)] {
            let planted = (0..<columns).shuffled(using: &generator)
            let weights = Tensor(rows, columns)
            for i in 0..<rows {
                for j in 0..<columns { weights[i][j] = 0.5 * generator.uniform() }
                // Any other matching loses at least a half on each pair that it changes.
                weights[i][planted[i]] += 1
            }
            #expect(maximumAssignment(weights) == Array(planted.prefix(rows)))
        }
    }

    /// Where a greedy choice is wrong, all the way down: row i is best at column i − 1, which row i − 1 needs, and the first
    /// row has nothing else.
    @Test func followsLongChains() {
        let count = 60
        let weights = Tensor(count, count)
        for i in 0..<count { (weights[i][i], weights[i][max(0, i - 1)]) = (0.99, 1) }
        #expect(maximumAssignment(weights) == Array(0..<count))
    }
}
