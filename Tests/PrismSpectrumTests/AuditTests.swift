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
}
