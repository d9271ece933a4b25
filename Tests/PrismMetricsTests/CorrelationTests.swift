import PrismCore
import Testing

@testable import PrismMetrics

@Suite struct CorrelationTests {
    /// Ranks counted one by one, in the formula for lists without ties.
    @Test func spearmanIsTheDefinition() throws {
        var generator = SeededGenerator(seed: 3, stream: "ranks")
        let x = (0..<40).map { _ in Double(generator.normal()) }
        let y = x.map { $0 + Double(generator.normal()) }
        func rank(_ value: Double, _ all: [Double]) -> Double { Double(all.count { $0 < value }) }
        let squares = zip(x, y).reduce(0) { $0 + (rank($1.0, x) - rank($1.1, y)) * (rank($1.0, x) - rank($1.1, y)) }
        let expected = 1 - 6 * squares / Double(40 * (40 * 40 - 1))
        #expect(abs(try #require(Correlation.spearman(x, y)) - expected) < 1e-12)
    }

    /// What scipy.stats gives.
    @Test func tiesShareTheirRank() throws {
        let rho = try #require(Correlation.spearman([1, 2, 2, 3, 0], [1, 3, 2, 4, 4]))
        #expect(abs(rho - 0.157894736842) < 1e-9)
        let r = try #require(Correlation.pearson([1, 2, 2, 3, 0], [1, 3, 2, 4, 4]))
        #expect(abs(r - 0.100900919449) < 1e-9)
        #expect(Correlation.spearman([1, 2, 4], [10, 20, 21])! > 0.999999)
    }

    @Test func isNotDefinedOfConstantsAndOfTwo() {
        #expect(Correlation.pearson([1, 1, 1], [1, 2, 3]) == nil)
        #expect(Correlation.spearman([1, 2], [1, 2]) == nil)
    }
}
