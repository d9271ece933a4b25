import PrismCore
import Testing

@testable import PrismLab

@Suite struct AllocationTests {
    /// The pentagon of five features in two dimensions at p = .05: trained models have norms near 1.13, biases near −.24.
    @Test func aSparsePentagonAsItIsTrained() {
        let pentagon = FeatureKind.vertex(of: .pentagon, density: 0.05)
        #expect(abs(pentagon.scale.squareRoot() - 1.13) < 0.01)
        #expect(abs(pentagon.bias + 0.24) < 0.01)
    }

    /// Scale and bias beat every other on a grid, by an integral of a triangle's loss.
    @Test func scaleAndBiasAreTheBest() {
        let triangle = FeatureKind.vertex(of: .triangle, density: 0.4)
        func loss(_ scale: Double, _ bias: Double) -> Double {
            integratedLoss([scale, -scale / 2, -scale / 2], bias: bias, density: 0.4, points: 50)
        }
        // Midpoints of 50 err by up to 1e-4.
        #expect(abs(triangle.loss - loss(triangle.scale, triangle.bias)) < 2e-4)
        for scale in stride(from: 0.7, through: 1.3, by: 0.1) {
            for bias in stride(from: -0.3, through: 0.3, by: 0.1) { #expect(triangle.loss < loss(scale, bias) + 2e-4) }
        }
    }

    /// A spread's normal interference against 300 random directions in 40 dimensions, sampled.
    @Test func aSpreadIsLikeRandomDirections() {
        let w = randomEmbeddings(features: 300, hidden: 40).unitRows
        let geometry = FeatureGeometry(w)
        let (p, scale, bias) = (0.2, 0.6, -0.1)
        var generator = SeededGenerator(seed: 2, stream: "sample")
        var sum = 0.0
        for _ in 0..<2000 {
            let x = (0..<300).map { _ in
                Double(generator.uniform()) < p ? Double(generator.uniform()) : 0
            }
            for i in 0..<20 {
                let y = zip(geometry.gram.row(i), x).reduce(bias) { $0 + scale * $1.0 * $1.1 }
                sum += (x[i] - max(0, y)) * (x[i] - max(0, y)) / 40000
            }
        }
        let theory = geometry.dimensionality.prefix(20).reduce(0) {
            $0 + FeatureKind.spreadLoss(dimensions: $1, density: p, scale: scale, bias: bias) / 20
        }
        // 2000 draws of 20 features that share their interference, and a sum of 60 active ones that is not quite normal.
        #expect(abs(theory / sum - 1) < 0.08)
    }

    /// With two features for each dimension, no mixture of two or of three kinds on a fine grid costs less.
    @Test(arguments: [0.05, 0.3, 0.7]) func noOtherMixtureIsBetter(_ density: Double) throws {
        let allocation = try Allocation(features: 10, hidden: 5, density: density)
        #expect(abs(allocation.kinds.reduce(0) { $0 + $1.share } - 1) < 1e-9)
        #expect(abs(allocation.kinds.reduce(0) { $0 + $1.share * $1.kind.dimensions } - 0.5) < 1e-9)
        let kinds =
            [FeatureKind.dropped(density: density), .vertex(of: .point, density: density)]
            + [Polytope.digon, .triangle, .pentagon].map { FeatureKind.vertex(of: $0, density: density) }
        for a in kinds {
            for b in kinds {
                for c in kinds {
                    for i in 0...20 {
                        for j in 0...(20 - i) {
                            let shares = [Double(i) / 20, Double(j) / 20, Double(20 - i - j) / 20]
                            let mixture = zip([a, b, c], shares)
                            guard mixture.reduce(0, { $0 + $1.0.dimensions * $1.1 }) <= 0.5 else { continue }
                            #expect(mixture.reduce(0) { $0 + $1.0.loss * $1.1 } >= allocation.lossPerFeature - 1e-9)
                        }
                    }
                }
            }
        }
    }

    @Test func enoughDimensionsCostNothing() throws {
        let allocation = try Allocation(features: 4, hidden: 4, density: 0.3)
        #expect(allocation.kinds.map(\.kind.name) == ["point"])
        #expect(allocation.lossPerFeature < 1e-9)
        #expect(abs(allocation.dimensionsPerFeature - 1) < 1e-4)
    }

    /// Digons in between, as Elhage et al. (2022) found them: D* near ½.
    @Test func digonsHaveAPlateau() throws {
        for density in [0.3, 0.4, 0.5] {
            let allocation = try Allocation(features: 400, hidden: 30, density: density)
            #expect(allocation.kinds[0].kind.name == "digon")
            #expect(abs(allocation.dimensionsPerFeature - 0.5) < 0.05)
        }
    }
}
