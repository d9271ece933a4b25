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

    /// Moments of values in [a, 1] against sums over midpoints.
    @Test(arguments: [0, 0.3, 0.9]) func moments(_ least: Double) {
        let values = ActiveValues(least: least)
        let points = (0..<400).map { least + (1 - least) * (Double($0) + 0.5) / 400 }
        let (mean, square) = (points.reduce(0, +) / 400, points.reduce(0) { $0 + $1 * $1 } / 400)
        // Of 400 sorted values, number i is the smaller one of 2 (399 − i) + 1 pairs.
        let minimum = points.enumerated().reduce(0) { $0 + $1.element * $1.element * Double(2 * (399 - $1.offset) + 1) }
        // Midpoints err by a squared spacing.
        #expect(abs(values.mean - mean) < 1e-5 && abs(values.meanSquare - square) < 1e-5)
        #expect(abs(values.minimumSquare - minimum / 160_000) < 1e-5)
    }

    /// E (x − μ)⁴ / Var² of a Boolean feature is (1 − 3p + 3p²) / (p (1 − p)); values near 1 are nearly that.
    @Test func kurtosisOfAlmostBooleanFeatures() {
        let p = 0.2
        #expect(abs(ActiveValues(least: 0.9999).kurtosis(density: p) - (1 - 3 * p + 3 * p * p) / (p * (1 - p))) < 1e-3)
        // Never sparse, they are the uniform distribution, whose kurtosis is 9/5.
        #expect(abs(ActiveValues.uniform.kurtosis(density: 1) - 1.8) < 1e-12)
    }

    static let outOfRange: [(Double, Double)] = [
        (0, 0.5), (-1, 0.5), (.infinity, 0.5), (.nan, 0.5), (1, 0), (1, 1.01), (1, -0.1), (1, .nan),
    ]

    @Test(arguments: outOfRange) func outOfRangeIsAUsageError(_ importance: Double, _ density: Double) {
        let error = #expect(throws: PrismError.self) {
            try PhaseOracle(importance: importance, density: density, hidden: 1)
        }
        #expect(error?.kind == .usage)
    }
}
