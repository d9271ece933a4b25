import PrismCore
import PrismTensor
import Testing

@testable import PrismLab

@Suite struct FeatureGeometryTests {
    /// Published by Elhage et al. (2022), except the bipyramids, which follow from their factors.
    @Test(arguments: [
        (Polytope.point, [1.0]), (.digon, [1 / 2.0]), (.triangle, [2 / 3.0]), (.tetrahedron, [3 / 4.0]),
        (.pentagon, [2 / 5.0]), (.squareAntiprism, [3 / 8.0]), (.simplex(6), [6 / 7.0]),
        (.tegum([.digon, .digon, .digon]), [1 / 2.0]), (.tegum([.digon, .triangle]), [1 / 2.0, 2 / 3.0]),
    ])
    func dimensionalityOfPolytopesIsExact(_ polytope: Polytope, _ expected: [Double]) {
        let geometry = FeatureGeometry(Embeddings.planted(polytope, hidden: polytope.dimension + 2, scale: 0.7))
        for dimensionality in geometry.dimensionality {
            // Rounding of doubles alone.
            #expect(expected.contains { abs($0 - dimensionality) < 1e-12 })
        }
        #expect(abs(geometry.dimensionality.reduce(0, +) - Double(polytope.dimension)) < 1e-12)
    }

    /// Cᵢ = (Wᵢ·Wᵢ)² / Σⱼ (Wᵢ·Wⱼ)² from sums over coordinates, as Scherlis et al. (2022) define it.
    @Test func capacityIsDimensionality() {
        let w = Embeddings.random(features: 13, hidden: 4)
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
