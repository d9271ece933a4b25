import PrismCore
import PrismTensor

/// A concept's direction at a place of a model, from examples: v = E x⁺ − E x⁻, the difference of the mean activations of texts
/// that have the concept and of texts that have not.
package struct MeanDifference {
    /// [texts, width], at least one text each.
    package let positive, negative: Tensor

    private static let shuffles = 20

    package init(positive: Tensor, negative: Tensor) { (self.positive, self.negative) = (positive, negative) }

    /// v, [1, width].
    package var direction: Tensor { difference(Array(0..<positive.rowCount + negative.rowCount)) }

    /// The same after random shuffles of which texts have the concept, [shuffles, width]: what chance gives on these
    /// activations.
    func shuffled(seed: UInt64) -> Tensor {
        var generator = SeededGenerator(seed: seed, stream: "shuffled texts")
        let texts = 0..<positive.rowCount + negative.rowCount
        return Tensor(joining: (0..<Self.shuffles).map { _ in difference(texts.shuffled(using: &generator)) })
    }

    /// - order: numbers of texts, the negative ones behind the positive ones; the first of them have the concept.
    private func difference(_ order: [Int]) -> Tensor {
        let all = Tensor(joining: [positive, negative])
        let count = positive.rowCount
        let means = [order[..<count], order[count...]].map { all.gathered(Array($0)).columnMeans }
        return Tensor(shape: [1, all.rowWidth], zip(means[0], means[1]).map { Float($0 - $1) })
    }
}
