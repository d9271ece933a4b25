import Foundation
import PrismModels
import PrismTensor

/// A logit at the end of a prompt that a graph explains: how much more than the average token its token is predicted.
public struct LogitTarget: Sendable {
    public let token: Int32
    public let probability: Double
    /// W_U[token] − mean over tokens, [width], read at the final norm; without the family's bias and soft cap.
    let row: Tensor

    /// The most probable tokens, as few as hold `share` of the probability, at most `limit`.
    /// - norm: the final norm's output at one position, [1, width].
    static func chosen(
        _ norm: Tensor, _ model: Transformer, limit: Int = 10, share: Double = 0.95, workers: Workers
    ) -> [LogitTarget] {
        let count = model.configuration.vocabularySize
        let logits = Tensor(1, count)
        model.logits(norm, into: logits)
        let largest = logits.values.max()!
        let exponentials = logits.values.map { exp(Double($0 - largest)) }
        let total = exponentials.reduce(0, +)
        let unembedding = model.unembeddingMatrix(workers: workers)
        let mean = unembedding.columnMeans
        var (targets, held) = ([LogitTarget](), 0.0)
        for token in (0..<count).sorted(by: { (-exponentials[$0], $0) < (-exponentials[$1], $1) }).prefix(limit)
        where held < share {
            let probability = exponentials[token] / total
            held += probability
            let row = unembedding.rows(token..<token + 1).minus(row: mean)
            targets.append(LogitTarget(token: Int32(token), probability: probability, row: row))
        }
        return targets
    }
}
