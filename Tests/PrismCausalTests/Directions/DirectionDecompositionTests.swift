import Foundation
import PrismCore
import PrismDictionaries
import PrismTensor
import Testing

@testable import PrismCausal

@Suite struct DirectionDecompositionTests {
    private static func dictionary(_ decoder: Tensor) -> SparseDictionary {
        SparseDictionary(
            encoder: decoder, encoderBias: Tensor(decoder.rowCount), decoder: decoder,
            decoderBias: Tensor(decoder.rowWidth), activation: .relu)
    }

    private static func decomposition(
        _ dictionary: SparseDictionary, _ positive: Tensor, _ negative: Tensor, count: Int
    ) throws -> DirectionDecomposition {
        try DirectionDecomposition(
            by: dictionary, reads: (positive, negative), writes: (positive, negative), count: count)
    }

    /// With the axes for decoder rows a code is the vector itself: coefficients are the encoder's own differences, nothing is
    /// left of all of them, and k leave what the others hold.
    @Test func axesGiveTheVectorItself() throws {
        let axes = Tensor(8, 8)
        for i in 0..<8 { axes[i][i] = 1 }
        let positive = sparseRows([[0: 6, 3: 2], [0: 2, 5: 1]], width: 8)
        let negative = sparseRows([[1: 2, 5: 1], [1: 1], [1: 3, 6: 3]], width: 8)
        let found = try Self.decomposition(Self.dictionary(axes), positive, negative, count: 6)
        let v: [Int: Double] = [0: 4, 1: -2, 3: 1, 5: 0.5 - 1.0 / 3, 6: -1]
        #expect(found.positiveTexts == 2 && found.negativeTexts == 3 && found.activeLatents == 5)
        #expect(found.components.prefix(2).map(\.latent) == [0, 1] && found.components.count == 5)
        for component in found.components {
            #expect(abs(Double(component.coefficient) - v[component.latent]!) < 1e-6)
            #expect(abs(component.activationDifference - v[component.latent]!) < 1e-6)
        }
        let squares = v.values.map { $0 * $0 }.sorted(by: >)
        let norm = squares.reduce(0, +)
        #expect(abs(found.norm - norm.squareRoot()) < 1e-6 && found.encoderResidual < 1e-6)
        #expect(found.steps.map(\.latents) == [1, 2, 4, 6])
        for step in found.steps {
            let left = squares.dropFirst(step.latents).reduce(0, +) / norm
            #expect(abs(step.residual - left.squareRoot()) < 1e-6)
        }
    }

    /// Twice as many random rows as dimensions: a composition of four is found exactly, by rows of any length, and texts
    /// shuffled between the sides are not composed of four.
    @Test func aPlantedCompositionIsFound() throws {
        let decoder = normalRows(128, 64, seed: 6)
        let planted: [Int: Float] = [5: 3, 40: -2, 77: 1.5, 120: -1]
        let noise = normalRows(20, 64, seed: 7)
        let positive = noise.copy()
        for t in 0..<20 { for (latent, c) in planted { for j in 0..<64 { positive[t][j] += c * decoder[latent][j] } } }
        let found = try Self.decomposition(Self.dictionary(decoder), positive, noise, count: 4)
        #expect(Set(found.components.map(\.latent)) == Set(planted.keys))
        // Means of twenty in single precision.
        for component in found.components { #expect(abs(component.coefficient - planted[component.latent]!) < 1e-4) }
        let sizes = found.components.map { abs($0.coefficient) * decoder.norm(ofRow: $0.latent) }
        #expect(sizes == sizes.sorted(by: >))
        #expect(found.steps[2].residual < 1e-5 && found.steps[2].shuffledResidual > 0.1)
        #expect(found.norm > 2 * found.shuffledNorm)
    }

    /// What the dictionary leaves of the difference is the difference of its mean errors.
    @Test func whatTheEncoderLeavesIsTheErrorsDifference() throws {
        let dictionary = Fixture.dictionary(at: .residualPost(layer: 0)).dictionary
        let (positive, negative) = (normalRows(7, 32, seed: 8), normalRows(5, 32, seed: 9))
        func meanError(_ x: Tensor) -> [Double] {
            let y = Tensor(shape: x.shape)
            dictionary.decode(dictionary.encode(x), into: y)
            return x.minus(y).columnMeans
        }
        let error = zip(meanError(positive), meanError(negative)).map { $0 - $1 }
        let v = zip(positive.columnMeans, negative.columnMeans).map { $0 - $1 }
        func length(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
        let found = try Self.decomposition(dictionary, positive, negative, count: 3)
        #expect(abs(found.encoderResidual - length(error) / length(v)) < 1e-5)
    }

    @Test func whatHasNoDecompositionIsRefused() {
        let dictionary = Self.dictionary(normalRows(12, 6, seed: 10))
        let texts = normalRows(3, 6, seed: 11)
        for (negative, count, reason) in [(texts, 2, "same mean"), (normalRows(2, 6, seed: 12), 7, "1 to 6 latents")] {
            #expect { try Self.decomposition(dictionary, texts, negative, count: count) } throws: { error in
                (error as? PrismError)?.message.contains(reason) == true
            }
        }
    }
}
