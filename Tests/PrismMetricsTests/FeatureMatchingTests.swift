import PrismCore
import PrismMetrics
import PrismTensor
import Testing

@Suite struct FeatureMatchingTests {
    /// Orthonormal features, so that every figure can be worked out by hand.
    private static let features = {
        let result = Tensor(8, 10)
        for i in 0..<8 { result[i][i] = 1 }
        return result
    }()

    private func figures(_ rows: [[Float]], features: Tensor = features) -> [String: Double] {
        let decoder = Tensor(shape: [rows.count, features.rowWidth], rows.flatMap { $0 })
        let estimates = FeatureMatching(decoder: decoder, directions: features, workers: Workers(count: 2)).estimates()
        for (name, estimate) in estimates {
            #expect(estimate.low <= estimate.value && estimate.value <= estimate.high, "\(name)")
        }
        return estimates.mapValues(\.value)
    }

    private func axis(_ i: Int, _ scale: Float = 1) -> [Float] { (0..<10).map { $0 == i ? scale : 0 } }

    private func expect(
        _ figures: [String: Double], mmcs: Double, mcc: Double, uniqueness: Double, recovered: Double,
        _ location: SourceLocation = #_sourceLocation
    ) {
        let expected = ["mmcs": mmcs, "mcc": mcc, "uniqueness": uniqueness, "features_recovered": recovered]
        // Cosines are fp32.
        for (name, value) in expected {
            #expect(abs(figures[name]! - value) < 1e-6, "\(name)", sourceLocation: location)
        }
    }

    @Test func ordersSignsAndLengthsDoNotMatter() {
        let rows = (0..<8).map { axis(7 - $0, $0 % 2 == 0 ? -2 : 0.5) }
        expect(figures(rows), mmcs: 1, mcc: 1, uniqueness: 1, recovered: 1)
    }

    @Test func duplicatesLowerMCCAlone() {
        // The second latent of feature 0 is left with a partner across.
        let rows = (0..<8).map { axis($0) }
        expect(figures(rows + [axis(0)]), mmcs: 1, mcc: 1, uniqueness: 8.0 / 9, recovered: 1)
        let short = (0..<6).map { axis($0) } + [axis(0), axis(1)]
        expect(figures(short), mmcs: 6.0 / 8, mcc: 6.0 / 8, uniqueness: 6.0 / 8, recovered: 6.0 / 8)
        // All features there, one of them twice in a dictionary that is too narrow: only the pairs suffer.
        let features = Tensor(4, 10)
        for i in 0..<4 { (features[i][i], features[i][9]) = (0.6, 0.8) }
        let twice = [[Float](repeating: 0, count: 9) + [1], [Float](repeating: 0, count: 9) + [1]]
        let found = figures(twice, features: features)
        #expect(abs(found["mmcs"]! - 0.8) < 1e-6 && found["uniqueness"] == 0.5)
    }

    @Test func missingFeaturesLowerMMCSAlone() {
        expect(figures((0..<6).map { axis($0) }), mmcs: 6.0 / 8, mcc: 1, uniqueness: 1, recovered: 6.0 / 8)
    }

    @Test func deadLatentsWithoutADirectionMatchNothing() {
        let rows = (0..<7).map { axis($0) } + [axis(0, 0)]
        expect(figures(rows), mmcs: 7.0 / 8, mcc: 7.0 / 8, uniqueness: 7.0 / 8, recovered: 7.0 / 8)
    }

    /// Nearest by |cos| may be a feature that another latent needs more: the matching trades.
    @Test func theMatchingIsTheBestAsAWhole() {
        // Latent 0: 0.8 of feature 0 and 0.6 of feature 1. Latent 1: all of feature 0.
        var mixed = axis(0, 0.8)
        mixed[1] = 0.6
        let features = Self.features.rows(0..<2)
        let found = figures([mixed, axis(0)], features: features)
        #expect(abs(found["mcc"]! - 0.8) < 1e-6)  // (0.6 + 1) / 2, not (0.8 + 0) / 2.
        #expect(abs(found["mmcs"]! - 0.8) < 1e-6)  // (1 + 0.6) / 2.
        #expect(found["uniqueness"] == 0.5 && found["features_recovered"] == 0.5)
    }
}
