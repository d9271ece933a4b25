import PrismCore
import PrismDictionaries
import PrismTensor

/// Which latents compose a concept's direction: v ≈ Σ cᵢ dᵢ over few decoder rows.
///
/// They are chosen by orthogonal matching pursuit with coefficients of either sign, since v = E x⁺ − E x⁻ is made of what some
/// latents are more active on the one side and some on the other:
///
///     v = Σ (E zᵢ⁺ − E zᵢ⁻) dᵢ + E e⁺ − E e⁻,        e = x − x̂ the dictionary's error
///
/// A dictionary has many more rows than dimensions, so that some fit anything. Hence two controls: beside each coefficient
/// stands what the encoder says, without which a row is there by a coincidence of angles, and beside each residual that of
/// shuffled texts.
package struct DirectionDecomposition: Encodable, Sendable {
    package struct Component: Encodable, Sendable {
        package let latent: Int
        /// cᵢ, in the unit of the latent's activation.
        package let coefficient: Float
        /// E zᵢ⁺ − E zᵢ⁻.
        package let activationDifference: Double
    }

    package struct Step: Encodable, Sendable {
        package let latents: Int
        /// ‖v − Σ cᵢ dᵢ‖ / ‖v‖.
        package let residual: Double
        /// The median of that over differences of shuffled texts.
        package let shuffledResidual: Double
    }

    /// Texts with the concept and without it.
    package let positiveTexts, negativeTexts: Int
    /// ‖v‖, and the median of that over shuffled texts.
    package let norm, shuffledNorm: Double
    /// With 1, 2, 4 … latents.
    package let steps: [Step]
    /// Those of the last step, by |cᵢ| ‖dᵢ‖, what they add to v, most first.
    package let components: [Component]
    /// Latents that are active on any of the texts.
    package let activeLatents: Int
    /// ‖E e⁺ − E e⁻‖ / ‖v‖: the share that all latents together, as the encoder sets them, leave out.
    package let encoderResidual: Double

    /// - reads, writes: activations where the dictionary reads and where it writes, one row a text, of the texts that have the
    ///   concept and those that have not, [texts, width]; the same for an autoencoder.
    /// - count: the most latents.
    /// - Throws: `PrismError.usage` for a count that no pursuit can choose, or texts without a difference.
    package init(
        by dictionary: SparseDictionary, reads: (positive: Tensor, negative: Tensor),
        writes: (positive: Tensor, negative: Tensor), count: Int, seed: UInt64 = 0, workers: Workers = Workers()
    ) throws {
        let most = min(dictionary.latentCount, dictionary.outputWidth)
        guard (1...most).contains(count) else {
            throw PrismError.usage("this dictionary can compose a direction of 1 to \(most) latents, not of \(count)")
        }
        (positiveTexts, negativeTexts) = (writes.positive.rowCount, writes.negative.rowCount)
        let difference = MeanDifference(positive: writes.positive, negative: writes.negative)
        let vectors = Tensor(joining: [difference.direction, difference.shuffled(seed: seed)])
        (norm, shuffledNorm) = vectors.firstAndMedianOfOthers(by: { $0.norm(ofRow: $1) })
        guard norm > 0 else {
            throw PrismError.usage("the texts with the concept and those without it have the same mean activation")
        }

        var codes = SparseCodes(rowCount: 0, slots: 1)
        steps = sequence(first: 1, next: { $0 < count ? min(2 * $0, count) : nil }).map { latents in
            codes = SparseCoder.orthogonalMatchingPursuit(k: latents).codes(
                of: vectors, for: Atoms(dictionary.decoder, signed: true), workers: workers)
            let fit = Tensor(shape: vectors.shape)
            CPUBackend().decode(codes, decoder: dictionary.decoder, into: fit)
            let rest = vectors.minus(fit)
            let (own, shuffled) = vectors.firstAndMedianOfOthers {
                rest.norm(ofRow: $1) / max($0.norm(ofRow: $1), .leastNormalMagnitude)
            }
            return Step(latents: latents, residual: own, shuffledResidual: shuffled)
        }

        let sides = [(reads.positive, writes.positive), (reads.negative, writes.negative)].map { reads, writes in
            let codes = dictionary.encode(reads, workers: workers)
            let reconstruction = Tensor(shape: writes.shape)
            dictionary.decode(codes, of: reads, into: reconstruction, workers: workers)
            return (means: codes.means, errors: writes.minus(reconstruction))
        }
        let differences = sides[0].means.merging(sides[1].means.mapValues { -$0 }, uniquingKeysWith: +)
        activeLatents = differences.count
        let error = MeanDifference(positive: sides[0].errors, negative: sides[1].errors)
        encoderResidual = Double(error.direction.norm(ofRow: 0)) / norm
        func size(_ code: (latent: Int, value: Float)) -> Float {
            abs(code.value) * dictionary.decoder.norm(ofRow: code.latent)
        }
        components = codes[0].sorted { size($0) > size($1) }.map {
            Component(latent: $0.latent, coefficient: $0.value, activationDifference: differences[$0.latent] ?? 0)
        }
    }
}

extension Tensor {
    /// A figure of the first row, and the median of the others'.
    fileprivate func firstAndMedianOfOthers(by figure: (Tensor, Int) -> Float) -> (Double, Double) {
        let figures = (0..<rowCount).map { Double(figure(self, $0)) }
        return (figures[0], Array(figures.dropFirst()).median)
    }
}

extension SparseCodes {
    /// The mean over all rows of each latent that is active in any.
    fileprivate var means: [Int: Double] {
        (0..<rowCount).reduce(into: [:]) { means, row in
            for (latent, value) in self[row] { means[latent, default: 0] += Double(value) / Double(rowCount) }
        }
    }
}
