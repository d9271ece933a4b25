import Foundation
import Testing

@testable import PrismLab

@Suite struct LogisticFitTests {
    /// Counts that follow a curve with its middle at 0.37 to a thousandth.
    @Test func findsTheMiddleOfACurve() {
        let points = stride(from: 0.1, through: 0.8, by: 0.1).map { x in
            (x: x, successes: Int((1e4 / (1 + exp(12 * (x - 0.37)))).rounded()), trials: 10_000)
        }
        #expect(abs(LogisticFit(points).midpoint - 0.37) < 1e-4)
    }

    /// A jump lies in the middle between its neighbours, whatever the slope.
    @Test func survivesAJump() {
        let points = [(1.0, 20, 20), (2, 20, 20), (3, 0, 20), (4, 0, 20)].map {
            (x: $0.0, successes: $0.1, trials: $0.2)
        }
        #expect(abs(LogisticFit(points).midpoint - 2.5) < 1e-6)
    }
}
