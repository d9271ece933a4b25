import PrismTensor
import Testing

@testable import PrismSpectrum

@Suite struct AuditTests {
    private static let audit = try! Audit(seed: 1, workers: Workers())

    @Test(arguments: Audit.metrics) func everyMetricMovesTheRightWay(_ metric: SpectrumMetric) {
        #expect(Self.audit.moves(metric), "\(Self.audit.path.map { $0.medians[metric.rawValue] ?? .nan })")
    }

    @Test func featuresOnAxesMeanOneThing() {
        let identity = Self.audit.path[0]
        #expect(identity.medians["selectivity"]! == 1)
        #expect(identity.medians["effectiveConcepts"]! == 1)
        #expect(identity.medians["participation"]! == 1)
        #expect(identity.medians["correlation"]! > 0.9999)
    }

    @Test func rotationIsNoSuperposition() {
        for stage in Self.audit.path where stage.features == stage.neurons {
            // Orthogonal to the precision of single numbers.
            #expect(abs(stage.dimensionality - 1) < 1e-5, "\(stage.name)")
        }
        for stage in Self.audit.path where stage.features > stage.neurons { #expect(stage.dimensionality < 0.6) }
    }

    @Test func theDictionaryUndoesIt() {
        let shared = Self.audit.path.last!
        let read = Self.audit.dictionary
        #expect(read.medians["effectiveConcepts"]! < shared.medians["effectiveConcepts"]! / 5)
        #expect(read.medians["correlation"]! > 2 * shared.medians["correlation"]!)
        #expect(read.dimensionality == shared.dimensionality)
    }

    /// What other vectors of the same code give lies within the intervals.
    @Test(arguments: [SpectrumMetric.coherence, .selectivity, .explained, .correlation])
    func intervalsHoldWhatOtherVectorsGive(_ metric: SpectrumMetric) throws {
        let directions = PlantedCode.rotation(Audit.neurons, by: 0.3, seed: 1)
        let parts = try [1, 2].map { (seed: UInt64) in
            let code = PlantedCode(directions, seed: seed)
            let neurons = UnitSet("neurons", directions: nil, sample: code.x)
            return try code.spectrum([neurons], workers: Workers(count: 2)).parts[0].units
        }
        let isWithin = try zip(parts[0], parts[1]).map { one, other in
            let (a, b) = (try #require(metric.estimate(of: one)), try #require(metric.estimate(of: other)))
            let (left, right) = ((a.high - a.low) / 2, (b.high - b.low) / 2)
            return abs(a.value - b.value) <= (left * left + right * right).squareRoot()
        }
        // 95% of 24 if concepts were not chosen by what they explain, which makes the best look a little better.
        #expect(isWithin.count { $0 } >= 18, "\(isWithin.count { $0 })")
    }
}
