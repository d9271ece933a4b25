import PrismCore
import Testing

@testable import PrismLab

@Suite struct PhaseOracleTests {
    /// Every closed form against integrals over active sets and values.
    @Test(arguments: [0.1, 0.5, 0.9]) func closedFormsEqualIntegrals(_ p: Double) throws {
        let importance = 0.6
        let oracle = try PhaseOracle(importance: importance, density: p, hidden: 2)
        let losses = Dictionary(uniqueKeysWithValues: oracle.predictions.map { ($0.phase, $0.loss) })
        // A dropped feature is told as a constant: the best of 101.
        let dropped = (0...100).map { integratedLoss([0], bias: Double($0) / 100, density: p, points: 400) }.min()!
        // A feature of a pair hears itself and the other, negated.
        let clash = integratedLoss([1, -1], bias: 0, density: p, points: 400)
        // Midpoints of 400 points err by less than 1e-5; the constants are .01 apart, so .005² at most is lost.
        #expect(abs(losses[.extraDropped]! - importance * dropped) < 4e-5)
        #expect(abs(losses[.otherDropped]! - dropped) < 4e-5)
        #expect(abs(losses[.extraAntipodal]! - (1 + importance) * clash) < 1e-5)
        #expect(abs(losses[.othersAntipodal]! - 2 * clash) < 1e-5)
        #expect(integratedLoss([1], bias: 0, density: p) == 0)
    }

    /// The best scale and bias of an equal pair, against a grid of them integrated.
    @Test func bestScaleAndBias() throws {
        let oracle = try PhaseOracle(importance: 1, density: 0.5, hidden: 1)
        var best = Double.infinity
        for scale in stride(from: 0.8, through: 1.1, by: 0.02) {
            for bias in stride(from: -0.1, through: 0.2, by: 0.02) {
                best = min(best, 2 * integratedLoss([scale, -scale], bias: bias, density: 0.5, points: 100))
            }
        }
        // The grid is a step of .02 wide: it misses the minimum by at most about .01² times a curvature near 1.
        #expect(abs(oracle.predictions[2].bestLoss - best) < 2e-4)
    }

    @Test func antipodalWinsBelowTheBorder() throws {
        for importance in [0.1, 0.4, 1, 2.5, 10] {
            let border = min(4 * importance / (2 + 5 * importance), 4 / (5 + 2 * importance))
            for (density, wins) in [(border * 0.999, true), (border * 1.001, false)] {
                let oracle = try PhaseOracle(importance: importance, density: density, hidden: 1)
                #expect((oracle.winners == [.extraAntipodal]) == wins)
            }
        }
    }

    @Test func equalPhasesWinTogether() throws {
        #expect(try PhaseOracle(importance: 1, density: 0.9, hidden: 2).winners == [.extraDropped, .otherDropped])
        #expect(try PhaseOracle(importance: 1, density: 0.1, hidden: 2).winners == [.extraAntipodal, .othersAntipodal])
        #expect(try PhaseOracle(importance: 3, density: 0.1, hidden: 2).winners == [.othersAntipodal])
    }

    /// Moments of each distribution against a sample.
    @Test(arguments: [ActiveValues.uniform, .constant, .exponential]) func moments(_ values: ActiveValues) {
        var generator = SeededGenerator(seed: 5, stream: "values")
        let sample = (0..<400_000).map { _ in values.draw(from: &generator) }
        func mean(_ numbers: [Double]) -> Double { numbers.reduce(0, +) / Double(numbers.count) }
        let pairs = stride(from: 0, to: sample.count, by: 2).map { min(sample[$0], sample[$0 + 1]) }
        // Four standard errors of the widest: E x⁴ = 24 of the exponential, √24 / √400000 = .008.
        #expect(abs(mean(sample) - values.mean) < 0.01)
        #expect(abs(mean(sample.map { $0 * $0 }) - values.meanSquare) < 0.03)
        #expect(abs(mean(pairs.map { $0 * $0 }) - values.minimumSquare) < 0.03)
    }

    @Test(arguments: [(0.0, 0.5), (-1, 0.5), (.infinity, 0.5), (.nan, 0.5), (1, 0), (1, 1.01), (1, -0.1), (1, .nan)])
    func outOfRangeIsAUsageError(_ importance: Double, _ density: Double) {
        let error = #expect(throws: PrismError.self) {
            try PhaseOracle(importance: importance, density: density, hidden: 1)
        }
        #expect(error?.kind == .usage)
    }
}
