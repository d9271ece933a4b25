import Foundation
import PrismCore
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct ConceptGeometryTests {
    /// x⁺ᵢ = x⁻ᵢ + v with x⁻ᵢ = 5eᵢ. After a change of partners the offsets are 5eᵢ₊₁ − 5eᵢ + v, of which one and the sum of
    /// the others have the cosine (n − 51) / √(51 ((n − 1)² + 50)).
    @Test func exactOffsetsAreConsistentUntilPairsAreMixed() throws {
        let n = 8
        func concept(_ axis: Int) -> (name: String, from: Tensor, to: Tensor) {
            (
                "\(axis)", sparseRows((0..<n).map { [$0: 5] }, width: n + 2),
                sparseRows((0..<n).map { [$0: 5, n + axis: 1] }, width: n + 2)
            )
        }
        let found = ConceptGeometry([concept(0), concept(1), concept(0)])
        let mixed = Double(n - 51) / (51 * Double((n - 1) * (n - 1) + 50)).squareRoot()
        for concept in found.concepts {
            #expect(concept.pairs == n && abs(concept.consistency - 1) < 1e-12)
            #expect(abs(concept.mixedConsistency - mixed) < 1e-12)
        }
        #expect(found.cosines == [[1, 0, 1], [0, 1, 0], [1, 0, 1]])
        #expect(abs(found.meanAbsoluteCosine - 1 / 3) < 1e-12)
        _ = try JSONEncoder().encode(found)
    }

    /// Against random directions themselves, and √(2/πd), from which the closed form differs by 1/4d of itself.
    @Test(arguments: [2, 17, 300]) func randomDirectionsHaveTheirClosedForm(width: Int) {
        let noise = normalRows(2000, width, seed: 5)
        let halves = (noise.rows(0..<1000), noise.rows(1000..<2000))
        let cosines = (0..<1000).map { i in
            let dots = [(halves.0[i], halves.1[i]), (halves.0[i], halves.0[i]), (halves.1[i], halves.1[i])].map {
                a, b in
                (0..<width).reduce(0.0) { $0 + Double(a[$1]) * Double(b[$1]) }
            }
            return abs(dots[0]) / (dots[1] * dots[2]).squareRoot()
        }
        let none = Tensor(2, width)
        let chance = ConceptGeometry([("a", none, none), ("b", none, none)]).random
        let d = Double(width)
        #expect(abs(chance.mean / (2 / (Double.pi * d)).squareRoot() - 1 - 1 / (4 * d)) < 0.1 / (d * d) + 1e-12)
        // |cos| deviates by ¾ of its mean: four standard errors of 1,000.
        #expect(abs(cosines.reduce(0, +) / 1000 / chance.mean - 1) < 0.1)
        #expect(abs(Double(cosines.count { $0 < chance.high }) / 1000 - 0.95) < (width == 2 ? 0.06 : 0.03))
    }

    /// Vectors that fill all dimensions evenly give by chance what random directions give; with one large dimension, far
    /// more, and the closed form would mislead.
    @Test func signsAtRandomSeeLargeDimensions() {
        func geometry(large: Float) -> ConceptGeometry {
            let concepts = (0..<6).map { k in
                let to = normalRows(40, 50, seed: UInt64(k))
                for t in 0..<40 { to[t][0] *= large }
                return (name: "\(k)", from: Tensor(40, 50), to: to)
            }
            return ConceptGeometry(concepts)
        }
        let (even, large) = (geometry(large: 1), geometry(large: 20))
        // 1,500 cosines, of which those of one draw share their vectors.
        #expect(abs(even.flipped.mean / even.random.mean - 1) < 0.1)
        #expect(abs(even.meanAbsoluteCosine - even.random.mean) < 0.05)
        #expect(large.flipped.mean > 5 * large.random.mean && large.flipped.high > 0.9)
        #expect(geometry(large: 20).flipped.mean == large.flipped.mean)
    }
}
