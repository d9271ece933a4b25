import Foundation
import PrismCore
import PrismDictionaries
import PrismTensor

/// Directions of concepts, and how near they are to orthogonal.
///
///     vₖ = mean over pairs (x⁺ − x⁻)        cos(k, l) = vₖ · v_l / ‖vₖ‖‖v_l‖
///
/// which is the difference of means of the pairs' two sides. Two random directions in d dimensions are nearly orthogonal, so
/// a small cosine alone says nothing; and activations fill few of their dimensions, where chance gives more than that. What
/// chance gives is therefore measured too: the same vectors with each pair's sign at random.
package struct ConceptGeometry: Encodable, Sendable {
    package struct Concept: Encodable, Sendable {
        package let name: String
        package let pairs: Int
        /// Mean cosine of a pair's offset with the sum of the others': whether there is one direction at all.
        package let consistency: Double
        /// The same after each x⁺ went to the next pair: what the two sides' classes give without the pairing (Fournier et al.
        /// 2020).
        package let mixedConsistency: Double
    }

    /// How large cosines are: the mean of |cos|, and the size that 95% lie below.
    package struct Chance: Encodable, Sendable {
        package let mean, high: Double
    }

    package let concepts: [Concept]
    /// cos(k, l).
    package let cosines: [[Double]]
    /// Mean |cos| of different concepts.
    package let meanAbsoluteCosine: Double
    /// Of random directions in as many dimensions, in theory: E|cos| = Γ(d/2) / (√π Γ((d + 1)/2)) ≈ √(2/πd).
    package let random: Chance
    /// Of the concepts' own vectors with random signs.
    package let flipped: Chance

    /// How often signs are drawn.
    private static let draws = 100

    /// - concepts: x⁻ and x⁺ of each, [pairs, width].
    package init(_ concepts: [(name: String, from: Tensor, to: Tensor)], seed: UInt64 = 0) {
        let offsets = concepts.map { DoubleMatrix($0.to.minus($0.from)) }
        self.concepts = zip(concepts, offsets).map { concept, offsets in
            let pairs = offsets.rowCount
            let next = concept.to.gathered((0..<pairs).map { ($0 + 1) % pairs })
            return Concept(
                name: concept.name, pairs: pairs, consistency: offsets.consistency,
                mixedConsistency: DoubleMatrix(next.minus(concept.from)).consistency)
        }
        cosines = offsets.map(\.columnSums).cosines
        meanAbsoluteCosine = cosines.different.map(abs).mean
        let d = Double(concepts.first?.from.rowWidth ?? 1)
        random = Chance(
            mean: exp(lgamma(d / 2) - lgamma((d + 1) / 2)) / Double.pi.squareRoot(), high: 1.96 / d.squareRoot())
        var generator = SeededGenerator(seed: seed, stream: "signs")
        let drawn = (0..<Self.draws).flatMap { _ in
            offsets.map { offsets in
                let signs = (0..<offsets.rowCount).map { _ in Bool.random(using: &generator) ? 1.0 : -1 }
                return offsets.scalingRows(by: signs).columnSums
            }.cosines.different.map(abs)
        }.sorted()
        flipped = Chance(mean: drawn.mean, high: drawn.isEmpty ? .nan : drawn[drawn.count * 95 / 100])
    }
}

extension DoubleMatrix {
    fileprivate var columnSums: [Double] {
        (0..<rowCount).reduce(into: [Double](repeating: 0, count: columnCount)) { sums, r in
            for c in sums.indices { sums[c] += self[r, c] }
        }
    }

    /// Mean cosine of each row with the sum of the others.
    fileprivate var consistency: Double {
        let sums = columnSums
        return (0..<rowCount).map { r in [Array(row(r)), zip(sums, row(r)).map { $0 - $1 }].cosines[0][1] }.mean
    }
}

extension [[Double]] {
    /// Of each vector with each; a vector of zeros has none but 0.
    fileprivate var cosines: [[Double]] {
        let lengths = map { Swift.max(dot($0, $0).squareRoot(), 1e-30) }
        return indices.map { k in indices.map { l in dot(self[k], self[l]) / (lengths[k] * lengths[l]) } }
    }

    /// What stands above the diagonal.
    fileprivate var different: [Double] { indices.flatMap { self[$0][($0 + 1)...] } }
}
