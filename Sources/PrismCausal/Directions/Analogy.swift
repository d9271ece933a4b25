import PrismTensor

/// The question “a is to a* as b is to what?” about rows of a space.
package struct Analogy: Hashable, Sendable {
    package let a, aStar, b: Int

    package init(a: Int, aStar: Int, b: Int) { (self.a, self.aStar, self.b) = (a, aStar, b) }

    package var inputs: Set<Int> { [a, aStar, b] }
}

/// How an analogy is answered: by the row x of largest product with a weighted sum of the inputs' unit rows.
///
/// That a row found this way is right does not show that the offset a* − a means anything, since b* is mostly a neighbour
/// of b and the inputs themselves are not let win: hence the controls (Linzen 2016).
package enum AnalogyMethod: String, CaseIterable, Codable, CodingKeyRepresentable, Sendable {
    /// x · (a* − a + b) over rows other than the inputs: 3CosAdd (Mikolov et al. 2013; Levy and Goldberg 2014).
    case offset
    /// The same over all rows.
    case offsetOfAll
    /// x · b over rows other than the inputs: what b's neighbourhood alone gives.
    case onlyB
    /// x · (a − a* + b) over rows other than the inputs: what the offset gives that points the wrong way.
    case opposite

    /// Of a, a* and b.
    private var weights: (Float, Float, Float) {
        switch self {
        case .offset, .offsetOfAll: (-1, 1, 1)
        case .onlyB: (0, 0, 1)
        case .opposite: (1, -1, 1)
        }
    }

    /// What the answer lies nearest to, [1, width].
    package func direction(_ question: Analogy, in space: DirectionSpace) -> Tensor {
        space.sum([(weights.0, question.a), (weights.1, question.aStar), (weights.2, question.b)])
    }

    /// Rows that may not be the answer.
    package func excluded(_ question: Analogy) -> Set<Int> { self == .offsetOfAll ? [] : question.inputs }

    /// The answer; of equal ones the lower row.
    /// - a, aStar, b: cosines of the inputs with all rows, `count` each; their weighted sum is x · direction.
    func answer(
        _ question: Analogy, a: UnsafePointer<Float>, aStar: UnsafePointer<Float>, b: UnsafePointer<Float>, count: Int
    ) -> Int {
        let (weights, excluded) = (weights, excluded(question))
        var (best, product) = (-1, -Float.infinity)
        for row in 0..<count {
            let sum = weights.0 * a[row] + weights.1 * aStar[row] + weights.2 * b[row]
            if sum > product, !excluded.contains(row) { (best, product) = (row, sum) }
        }
        return best
    }
}
