import PrismCore
import PrismTensor
import Testing

@testable import PrismLab

@Suite struct FeatureGeometryTests {
    /// Published by Elhage et al. (2022), except the bipyramids, which follow from their factors.
    static let published: [(Polytope, [Double])] = [
        (.point, [1]), (.digon, [0.5]), (.triangle, [2.0 / 3]), (.tetrahedron, [0.75]), (.pentagon, [0.4]),
        (.squareAntiprism, [0.375]), (.simplex(6), [6.0 / 7]), (.tegum([.digon, .digon, .digon]), [0.5]),
        (.tegum([.digon, .triangle]), [0.5, 2.0 / 3]),
    ]

    @Test(arguments: published) func dimensionalityOfPolytopesIsExact(_ polytope: Polytope, _ expected: [Double]) {
        let geometry = FeatureGeometry(polytope.disturbed(by: 0, scale: 0.7, seed: 1))
        for dimensionality in geometry.dimensionality {
            // Rounding of doubles alone.
            #expect(expected.contains { abs($0 - dimensionality) < 1e-12 }, "\(polytope.name)")
        }
        #expect(abs(geometry.dimensionality.reduce(0, +) - Double(polytope.dimension)) < 1e-12)
    }

    /// Cᵢ = (Wᵢ·Wᵢ)² / Σⱼ (Wᵢ·Wⱼ)² from sums over coordinates, as Scherlis et al. (2022) define it.
    @Test func capacityIsDimensionality() {
        let w = randomEmbeddings(features: 13, hidden: 4)
        func product(_ i: Int, _ j: Int) -> Double { zip(w.row(i), w.row(j)).reduce(0) { $0 + $1.0 * $1.1 } }
        let geometry = FeatureGeometry(w)
        for i in 0..<13 {
            let all = (0..<13).reduce(0) { $0 + product(i, $1) * product(i, $1) }
            #expect(abs(geometry.dimensionality[i] - product(i, i) * product(i, i) / all) < 1e-12)
            #expect(abs(geometry.interference[i] - (all / product(i, i) - product(i, i))) < 1e-9)
        }
        #expect(geometry.dimensionality.reduce(0, +) <= 4)
        #expect(abs(geometry.spectrum.reduce(0, +) - geometry.norms.reduce(0) { $0 + $1 * $1 }) < 1e-9)
        #expect(geometry.spectrum == geometry.spectrum.sorted(by: >))
    }

    @Test func featuresWithoutEmbeddingTakeNoDimension() {
        let geometry = FeatureGeometry(Tensor(shape: [3, 2], [0, 0, 0.5, 0, 0, 2]))
        #expect(geometry.dimensionality == [0, 1, 1])
        #expect(geometry.interference == [0, 0, 0])
        #expect(geometry.represented == [2])  // ‖W‖ = ½ is not above ½.
        #expect(geometry.representedShare == 1 / 3.0)
        #expect(geometry.dimensionsPerFeature == 2 / 4.25)
    }
}
