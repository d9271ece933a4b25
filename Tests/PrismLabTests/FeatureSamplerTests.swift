import PrismTensor
import Testing

@testable import PrismLab

/// Frequencies and means against the distribution, within five standard errors of 100,000 samples.
@Suite struct FeatureSamplerTests {
    static let samples = 100_000

    private func samples(_ distribution: FeatureDistribution) -> DoubleMatrix {
        DoubleMatrix(distribution.samples(Self.samples, seed: 11, stream: "test"))
    }

    private func standardError(_ p: Double) -> Double { (p * (1 - p) / Double(Self.samples)).squareRoot() }

    private func share(_ x: DoubleMatrix, where holds: (ArraySlice<Double>) -> Bool) -> Double {
        Double((0..<x.rowCount).count { holds(x.row($0)) }) / Double(x.rowCount)
    }

    private func isActive(_ row: ArraySlice<Double>, _ feature: Int) -> Bool { row[row.startIndex + feature] != 0 }

    @Test(arguments: [(Float(0), Float(1)), (-1, 1), (0, 2), (1, 1)])
    func densitiesAndValues(_ least: Float, _ greatest: Float) {
        let densities: [Float] = [1, 0.5, 0.1, 0.01, 0.3, 0.3, 0.3, 0.3, 0.02]
        let x = samples(FeatureDistribution(count: 9, density: densities, least: least, greatest: greatest))
        for i in 0..<9 {
            let p = Double(densities[i])
            let found = share(x) { isActive($0, i) }
            // A feature of density 1 misses one value in 2³¹, and a value may be zero.
            #expect(abs(found - p) <= max(5 * standardError(p), 1e-4))
            let values = (0..<x.rowCount).map { x[$0, i] }.filter { $0 != 0 }
            #expect(values.min()! >= Double(least) && values.max()! <= Double(greatest))
            let (middle, width) = (Double(least + greatest) / 2, Double(greatest - least))
            let (mean, n) = (values.reduce(0, +) / Double(values.count), Double(values.count))
            #expect(abs(mean - middle) <= 5 * width / (12 * n).squareRoot())
            let square = values.reduce(0) { $0 + ($1 - middle) * ($1 - middle) } / n
            // The variance of (x − middle)² is width⁴/180.
            #expect(abs(square - width * width / 12) <= 5 * width * width / (180 * n).squareRoot())
        }
        // Neighbours are independent: active together as often as the product of densities says.
        let both = share(x) { isActive($0, 4) && isActive($0, 5) }
        #expect(abs(both - 0.09) < 5 * standardError(0.09))
    }

    @Test(arguments: [Float(1), 0.7, 0]) func groupsAreCorrelatedByTheSquareOfTheirStrength(_ strength: Float) {
        var distribution = FeatureDistribution(count: 4, density: [0.2])
        distribution.dependence = .correlated(size: 2, strength: strength)
        let x = samples(distribution)
        #expect(abs(share(x) { isActive($0, 0) } - 0.2) < 5 * standardError(0.2))
        // P(both) = p² + ρ p(1 − p).
        let both = 0.04 + Double(strength * strength) * 0.16
        #expect(abs(share(x) { isActive($0, 2) && isActive($0, 3) } - both) < 5 * standardError(both))
        #expect(abs(share(x) { isActive($0, 1) && isActive($0, 2) } - 0.04) < 5 * standardError(0.04))
        if strength == 1 { #expect(share(x) { isActive($0, 0) != isActive($0, 1) } < 1e-4) }
    }

    @Test func membersOfAGroupExcludeEachOther() {
        var distribution = FeatureDistribution(count: 6, density: [0.6])
        distribution.dependence = .anticorrelated(size: 3)
        let x = samples(distribution)
        #expect(share(x) { $0.prefix(3).count { $0 != 0 } > 1 || $0.suffix(3).count { $0 != 0 } > 1 } == 0)
        #expect(abs(share(x) { $0.prefix(3).contains { $0 != 0 } } - 0.6) < 5 * standardError(0.6))
        for i in 0..<6 { #expect(abs(share(x) { isActive($0, i) } - 0.2) < 5 * standardError(0.2)) }
        // Groups know nothing of each other.
        #expect(abs(share(x) { isActive($0, 0) && isActive($0, 3) } - 0.04) < 5 * standardError(0.04))
    }

    @Test func childrenAreActiveOnlyWithTheirParents() {
        var distribution = FeatureDistribution(count: 4, density: [0.5, 0.4, 0.3, 0.2])
        distribution.dependence = .hierarchical(parents: [-1, 0, 1, -1])
        let x = samples(distribution)
        // A value of exactly zero, one in 2²⁴, would hide a parent.
        #expect(share(x) { isActive($0, 1) && !isActive($0, 0) || isActive($0, 2) && !isActive($0, 1) } < 1e-4)
        for (i, p) in [0.5, 0.2, 0.06, 0.2].enumerated() {
            #expect(abs(share(x) { isActive($0, i) } - p) < 5 * standardError(p))
        }
    }

    @Test func equalSeedsGiveEqualSamplesAndOthersOthers() {
        let distribution = FeatureDistribution(count: 9, density: [0.5])
        let values = distribution.samples(100, seed: 1, stream: "a").values
        #expect(values == distribution.samples(100, seed: 1, stream: "a").values)
        #expect(values != distribution.samples(100, seed: 2, stream: "a").values)
        #expect(values != distribution.samples(100, seed: 1, stream: "b").values)
    }
}
