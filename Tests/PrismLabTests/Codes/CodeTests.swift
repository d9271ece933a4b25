import PrismCore
import PrismTensor
import Testing

@testable import PrismLab

@Suite struct CodeTests {
    /// Every pair has the same |wᵢ · wⱼ|, Welch's bound, to rounding.
    @Test(arguments: [(6, 5), (6, 3), (14, 7), (54, 27), (28, 7), (120, 35)])
    func equiangularFramesReachWelchsBound(features: Int, hidden: Int) throws {
        let code = try #require(Code.equiangular(features: features, hidden: hidden))
        #expect(code.featureCount == features && code.hiddenCount == hidden)
        let bound = Code.welchBound(features: features, hidden: hidden)
        let gram = code.gram
        for i in 0..<features {
            for j in 0..<features {
                #expect(abs(abs(gram[i, j]) - (i == j ? 1 : bound)) < 1e-12)
            }
        }
    }

    /// 9 is no prime, 7 is no 1 mod 4, and other sizes have no construction.
    @Test(arguments: [(10, 5), (8, 4), (100, 30)]) func otherSizesHaveNone(features: Int, hidden: Int) {
        #expect(Code.equiangular(features: features, hidden: hidden) == nil)
    }

    @Test func boundsOfKnownSizes() {
        // The toy model's 400 features in 30 dimensions; the icosahedron's six diagonals.
        #expect(abs(Code.welchBound(features: 400, hidden: 30) - 0.1758) < 5e-5)
        #expect(abs(Code.welchBound(features: 6, hidden: 3) - 1 / 5.0.squareRoot()) < 1e-15)
    }

    /// Two axes and the diagonal away from both: products 0 and −1/√2.
    @Test func measuresCoherence() {
        var vectors = DoubleMatrix(3, 2)
        vectors.values = [2, 0, 0, 3, -1, -1]
        let code = Code(vectors)
        #expect(abs(code.coherence - 0.5.squareRoot()) < 1e-15)
        #expect(code.largestProduct == 0)
        #expect(abs(code.meanSquareProduct - 1.0 / 3) < 1e-15)
    }

    /// Descent finds the equiangular lines that exist: of the icosahedron, and 28 in 7 dimensions.
    @Test(arguments: [(6, 3), (16, 7), (28, 7)]) func descentComesCloseToTheBound(features: Int, hidden: Int) {
        var generator = SeededGenerator(seed: 0, stream: "test")
        let code = Code.optimised(features: features, hidden: hidden, &generator)
        let (coherence, bound) = (code.coherence, Code.welchBound(features: features, hidden: hidden))
        #expect(coherence >= bound - 1e-12)
        // 16 in 7 dimensions have no equiangular frame.
        #expect(coherence < bound + (features == 16 ? 0.1 : 1e-3))
        #expect(code.vectors.rowNorms.allSatisfy { abs($0 - 1) < 1e-12 })
    }
}
