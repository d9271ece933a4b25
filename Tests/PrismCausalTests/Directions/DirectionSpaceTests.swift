import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct DirectionSpaceTests {
    /// The cosine of two rows less the mean row, in double precision.
    private static func cosine(_ rows: Tensor, _ i: Int, _ j: Int, isCentred: Bool) -> Double {
        func numbers(_ row: Int) -> [Double] {
            (0..<rows.rowWidth).map { c in
                let mean = (0..<rows.rowCount).reduce(0.0) { $0 + Double(rows[$1][c]) } / Double(rows.rowCount)
                return Double(rows[row][c]) - (isCentred ? mean : 0)
            }
        }
        let (a, b) = (numbers(i), numbers(j))
        func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
        return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
    }

    @Test(arguments: [true, false]) func neighboursAreThoseOfAPlainLoop(isCentred: Bool) {
        let rows = normalRows(53, 17, seed: 1)
        for i in 0..<rows.count { rows.data[i] += 0.5 }  // a mean to be taken away
        let space = DirectionSpace(rows, isCentred: isCentred)
        for row in [0, 31, 52] {
            let others = (0..<53).filter { $0 != row && $0 != 7 }
            let expected = others.map { ($0, Self.cosine(rows, row, $0, isCentred: isCentred)) }
                .sorted { $0.1 > $1.1 }.prefix(5)
            let found = space.nearest(to: space.sum([(2, row)]), count: 5, excluding: [row, 7])
            #expect(found.map(\.row) == expected.map(\.0))
            // Sums of 17 products in single precision.
            for (a, b) in zip(found, expected) { #expect(abs(Double(a.cosine) - b.1) < 1e-6) }
        }
    }

    @Test func aRowOfZerosIsNobodysNeighbour() {
        let space = DirectionSpace(sparseRows([[0: 3], [:], [1: 2], [0: -1]], width: 2), isCentred: false)
        let found = space.nearest(to: space.sum([(1, 0)]), count: 9)
        #expect(found.map(\.row) == [0, 1, 2, 3] && found.map(\.cosine) == [1, 0, 0, -1])
        #expect(space.nearest(to: space.sum([(1, 1)]), count: 1)[0].cosine == 0)
    }

    @Test func aSumIsOfUnitRows() {
        let space = DirectionSpace(sparseRows([[0: 3], [1: -5]], width: 3), isCentred: false)
        #expect(space.sum([(2, 0), (-1, 1)]).values == [2, 1, 0])
    }
}
