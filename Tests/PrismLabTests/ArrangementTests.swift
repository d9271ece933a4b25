import PrismTensor
import Testing

@testable import PrismLab

@Suite struct ArrangementTests {
    static let named: [(Polytope, String)] = [
        (.point, "point"), (.digon, "digon"), (.triangle, "triangle"), (.tetrahedron, "tetrahedron"),
        (.simplex(5), "5-simplex"), (.pentagon, "pentagon"), (.polygon(7), "regular 7-gon"),
        (.squareAntiprism, "square antiprism"), (.tegum([.digon, .digon]), "square"),
        (.tegum([.digon, .digon, .digon]), "octahedron"), (.tegum([.triangle, .digon]), "triangular bipyramid"),
        (.tegum([.digon, .pentagon]), "pentagonal bipyramid"),
        (.tegum([.digon, .digon, .digon, .digon, .digon]), "5-dimensional cross-polytope"),
        (.tegum([.digon, .triangle, .digon]), "2 × digon ⊕ triangle"),
    ]

    /// Turned, shuffled, scaled and slightly disturbed, every solid keeps its name.
    @Test(arguments: named) func solidsAreRecognised(_ polytope: Polytope, _ name: String) {
        for seed in 1...3 as ClosedRange<UInt64> {
            let clean = polytope.disturbed(by: 0, scale: 1.1, seed: seed)
            let exact = Arrangement(FeatureGeometry(clean))
            #expect(exact.polytope?.name == name)
            // Rounding alone, under a square root.
            #expect(exact.factors.allSatisfy { $0.fitError < 1e-7 })
            let noisy = polytope.disturbed(by: 0.02, scale: 1.1, seed: seed)
            let found = Arrangement(FeatureGeometry(noisy))
            #expect(found.polytope?.name == name)
            // Noise of .02 moves a product of two embeddings by about .02 · √2, and none by four times that on average.
            #expect(found.factors.allSatisfy { $0.fitError < 0.1 })
        }
    }

    /// The best matching of a disturbed heptagon, against all 7! of them.
    @Test func matchingIsTheBestOfAll() {
        let w = Polytope.polygon(7).disturbed(by: 0.05, seed: 1)
        var gram = w.times(w, transposingOther: true)
        let meanSquare = (0..<7).reduce(0) { $0 + gram[$1, $1] } / 7
        gram = gram.scalingRows(by: [Double](repeating: 1 / meanSquare, count: 7))
        let vertices = Polytope.polygon(7).vertices
        let own = vertices.times(vertices, transposingOther: true)
        var best = Double.infinity
        func permute(_ chosen: [Int]) {
            if chosen.count == 7 {
                var sum = 0.0
                for i in 0..<7 {
                    for j in 0..<7 {
                        let difference = gram[i, j] - own[chosen[i], chosen[j]]
                        sum += difference * difference
                    }
                }
                return best = min(best, sum)
            }
            for next in 0..<7 where !chosen.contains(next) { permute(chosen + [next]) }
        }
        permute([])
        #expect(abs(Polytope.polygon(7).fitError(gram, 1) - best.squareRoot() / 7) < 1e-12)
    }

    @Test func whatIsNoPolytopeHasNoName() {
        let arrangement = Arrangement(FeatureGeometry(randomEmbeddings(features: 8, hidden: 3)))
        #expect(arrangement.polytope == nil)
        #expect(arrangement.kinds.contains { $0.name == "irregular" })
        // Two digons of very different size are no square.
        let unequal = Tensor(shape: [4, 2], [1, 0, -1, 0, 0, 2, 0, -2])
        let factors = Arrangement(FeatureGeometry(unequal))
        #expect(factors.polytope == nil)
        #expect(factors.kinds.map(\.name) == ["digon"])
    }

    /// 150 random directions in 120 dimensions are nearly orthogonal, as a simplex of 149 would be.
    @Test func noPolytopeHasMoreDimensionsThanTheLayer() {
        let arrangement = Arrangement(FeatureGeometry(randomEmbeddings(features: 150, hidden: 120)))
        #expect(arrangement.factors.allSatisfy { ($0.polytope?.dimension ?? 0) <= 120 })
    }

    @Test func componentsAreThePlantedFactors() {
        let tensor = Tensor(shape: [5, 3], [1, 0, 0, 0, 1, 0, -1, 0.05, 0, 0.1, 0, 0, 0, 0, 1])
        // The fourth is not represented, the second too little like the third.
        #expect(FeatureGeometry(tensor).components() == [[0, 2], [1], [4]])
        #expect(FeatureGeometry(tensor).components(threshold: 0.001) == [[0, 1, 2], [4]])
    }
}
