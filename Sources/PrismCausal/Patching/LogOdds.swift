import Foundation
import PrismModels
import PrismTensor

/// The log odds m of `PromptPair`, from what the unembedding reads. Only the logits of answers and foils are computed: over
/// a whole vocabulary they would cost as much as several blocks of the model.
struct LogOdds: Sendable {
    private let pairs: [PromptPair]
    private let model: Transformer
    /// Unembedding rows of all answers and foils, [their number, width], and where each token's is.
    private let rows: Tensor
    private let places: [Int32: Int]
    /// Logits of a final norm of zeros: the unembedding's bias.
    private let bias: Tensor

    init(_ pairs: [PromptPair], _ model: Transformer, workers: Workers) {
        (self.pairs, self.model) = (pairs, model)
        let tokens = Set(pairs.flatMap { $0.answers + $0.foils }).sorted()
        places = Dictionary(uniqueKeysWithValues: tokens.enumerated().map { ($1, $0) })
        rows = model.unembeddingMatrix(workers: workers).gathered(tokens.map(Int.init))
        bias = Tensor(1, model.configuration.vocabularySize)
        if model.configuration.unembeddingBias { model.logits(Tensor(1, model.configuration.width), into: bias) }
    }

    /// m of a pair.
    /// - finalNorm: the row of `finalNorm` at the last position, [width].
    func value(ofPair pair: Int, _ finalNorm: UnsafePointer<Float>) -> Double {
        func logSumExp(_ tokens: [Int32]) -> Double {
            let values = tokens.map { token -> Double in
                let dot = model.backend.dot(finalNorm, rows[places[token]!], count: rows.rowWidth)
                let logit = Double(dot + bias.data[Int(token)])
                return model.configuration.logitSoftCap.map { Double($0) * tanh(logit / Double($0)) } ?? logit
            }
            let largest = values.max()!
            return largest + log(values.reduce(0) { $0 + exp($1 - largest) })
        }
        return logSumExp(pairs[pair].answers) - logSumExp(pairs[pair].foils)
    }

    /// m at the end of each context of a run that captured `finalNorm`, one for each pair.
    func values(_ run: CapturedActivations) -> [Double] {
        let normed = run[.finalNorm]
        return pairs.indices.map { value(ofPair: $0, normed[run.rows(ofContext: $0).upperBound - 1]) }
    }
}
