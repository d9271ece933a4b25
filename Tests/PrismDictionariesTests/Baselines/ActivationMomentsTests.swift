import PrismDictionaries
import PrismTensor
import Testing

@Suite struct ActivationMomentsTests {
    /// The naive twin: two passes over everything, in double precision. More than one block, and a mean a thousand times the
    /// deviation, about which one pass without a shift would lose six digits.
    @Test(arguments: [(2, 1), (300, 7), (4097, 67)]) func isTheCovariance(rows: Int, width: Int) throws {
        let x = correlated(rows, width, mean: 1000)
        let moments = try ActivationMoments(
            of: source(x), sinks: nil, workers: Workers(count: 2)
        ) { _ in }
        #expect(moments.count == rows)
        let mean = (0..<width).map { c in (0..<rows).reduce(0.0) { $0 + Double(x[$1][c]) } / Double(rows) }
        let covariance = moments.covariance
        for i in 0..<width {
            #expect(abs(moments.mean[i] - mean[i]) < 1e-9 * abs(mean[i]))
            for j in 0..<width {
                let naive =
                    (0..<rows).reduce(0.0) {
                        $0 + (Double(x[$1][i]) - mean[i]) * (Double(x[$1][j]) - mean[j])
                    } / Double(rows - 1)
                let scale = (covariance[i, i] * covariance[j, j]).squareRoot()
                // Doubles, some thousand of them summed in another order.
                #expect(abs(covariance[i, j] - naive) < 1e-11 * scale)
            }
        }
    }
}
