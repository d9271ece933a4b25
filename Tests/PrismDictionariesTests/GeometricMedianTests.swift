import PrismCore
import PrismDictionaries
import PrismTensor
import Testing

@Suite struct GeometricMedianTests {
    /// The summed distance to all rows, in double precision.
    static func cost(_ x: Tensor, _ m: [Float]) -> Double {
        (0..<x.rowCount).reduce(0.0) { sum, t in
            sum
                + m.indices.reduce(0.0) { $0 + (Double(x[t][$1]) - Double(m[$1])) * (Double(x[t][$1]) - Double(m[$1])) }
                .squareRoot()
        }
    }

    /// The naive optimum: from the result, ever smaller steps along each axis; none of them may lower the cost by more
    /// than rounding explains.
    @Test(arguments: [(1, 1), (2, 3), (5, 2), (300, 7), (1025, 33)]) func noStepLowersTheCost(rows: Int, width: Int) {
        var generator = SeededGenerator(seed: UInt64(rows), stream: "test")
        let x = Tensor(rows, width)
        for i in 0..<x.count { x.data[i] = generator.normal() + 3 }
        // A tenth of the rows lie far away, as attention sinks do; they would drag the mean along.
        for t in stride(from: 0, to: rows, by: 10) where rows > 10 { x[t][0] += 1000 }
        let median = Tensor(width)
        geometricMedian(of: x, workers: Workers(count: 2), into: median)
        let found = Self.cost(x, median.values)
        for c in 0..<width {
            for step in [1, 0.1, 0.01, 0.001] as [Float] {
                for sign in [-step, step] {
                    var moved = median.values
                    moved[c] += sign
                    #expect(Self.cost(x, moved) >= found * (1 - 1e-6))
                }
            }
        }
        if rows > 10 { #expect(abs(median.data[0] - 3) < 1) }  // the mean lies at 103
    }

    @Test func aMajorityOfEqualRowsIsTheMedian() {
        let x = Tensor(shape: [5, 2], [1, 2, 1, 2, 1, 2, 9, 9, -4, 0])
        let median = Tensor(2)
        geometricMedian(of: x, workers: Workers(count: 1), into: median)
        // Weiszfeld's iteration stops where it moves by a millionth of the mean distance.
        #expect(abs(median.data[0] - 1) < 1e-3 && abs(median.data[1] - 2) < 1e-3)
    }

    @Test func equalRowsAreTheirOwnMedian() {
        let x = Tensor(shape: [3, 2], [1, -2, 1, -2, 1, -2])
        let median = Tensor(2)
        geometricMedian(of: x, workers: Workers(count: 1), into: median)
        #expect(median.values == [1, -2])
    }
}
