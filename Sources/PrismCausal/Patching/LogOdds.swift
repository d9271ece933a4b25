import Foundation
import PrismCore
import PrismModels
import PrismTensor

/// Tokens that a prompt may go on with, and others to weigh them against. How much more a model expects the one than the other
/// is their log odds, in nats,
///
///     m = log Σ exp(logits of answers) − log Σ exp(logits of foils)
///
/// which with one of each is the logit difference. (The softmax's denominator falls out.) Without foils m is the first term
/// alone, odds that are not normalised; of one answer its logit.
package protocol TokenChoice: Sendable {
    var answers: [Int32] { get }
    var foils: [Int32] { get }
}

extension TokenChoice {
    /// m, and ∂m/∂logit of each answer and foil.
    fileprivate func logOdds(_ logit: (Int32) -> Double) -> (value: Double, slopes: [(token: Int32, slope: Double)]) {
        func logSumExp(_ tokens: [Int32], sign: Double) -> (value: Double, slopes: [(Int32, Double)]) {
            let logits = tokens.map(logit)
            guard let largest = logits.max() else { return (0, []) }
            let exponentials = logits.map { exp($0 - largest) }
            let sum = exponentials.reduce(0, +)
            return (sign * (largest + log(sum)), zip(tokens, exponentials).map { ($0, sign * $1 / sum) })
        }
        let (right, wrong) = (logSumExp(answers, sign: 1), logSumExp(foils, sign: -1))
        return (right.value + wrong.value, right.slopes + wrong.slopes)
    }
}

extension Objective {
    /// Σ over contexts of m, to be differentiated.
    /// - choices: one for each context of the pass.
    package static func logOdds(_ choices: [any TokenChoice]) -> Objective {
        .logits(
            LogitObjective(positions: { [$0.tokens.count - 1] }) { context, _, logits, gradient in
                let found = choices[context.index].logOdds { Double(logits[Int($0)]) }
                for (token, slope) in found.slopes { gradient[Int(token)] += Float(slope) }
                return found.value
            })
    }
}

/// m from what the unembedding reads. Only the logits of answers and foils are computed: over a whole vocabulary they would
/// cost as much as several blocks of the model.
struct LogOdds: Sendable {
    private let choices: [any TokenChoice]
    private let model: Transformer
    /// Unembedding rows of all answers and foils, [their number, width], their biases, and where each token's are.
    private let rows: Tensor
    private let biases: [Double]
    private let places: [Int32: Int]

    init(_ choices: [any TokenChoice], _ model: Transformer, workers: Workers) {
        (self.choices, self.model) = (choices, model)
        let tokens = Set(choices.flatMap { $0.answers + $0.foils }).sorted()
        places = Dictionary(uniqueKeysWithValues: tokens.enumerated().map { ($1, $0) })
        // A logit is affine in what the unembedding reads: its gradient is the row, and its value at zero the bias.
        let last = HookPoint.residualPost(layer: model.configuration.layerCount - 1)
        let pass = ForwardRequest(
            contexts: tokens.map { [$0] }, capture: [],
            interventions: [Intervention(at: .finalNorm, stopsGradient: true) { x, _ in x.fill(0) }],
            start: .init(at: last, Tensor(tokens.count, model.configuration.width)))
        let request = GradientRequest(pass, objective: .logitDifference(tokens.map { ($0, nil) }), hooks: [.finalNorm])
        let found = try! model.gradients(request, workers: workers)
        (rows, biases) = (found.hooks[.finalNorm], found.values)
    }

    /// m of one choice.
    /// - pair: its number. finalNorm: the row of `finalNorm` at the last position, [width].
    func value(ofPair pair: Int, _ finalNorm: UnsafePointer<Float>) -> Double {
        choices[pair].logOdds { token in
            let place = places[token]!
            let logit = Double(model.backend.dot(finalNorm, rows[place], count: rows.rowWidth)) + biases[place]
            return model.configuration.logitSoftCap.map { Double($0) * tanh(logit / Double($0)) } ?? logit
        }.value
    }

    /// m at the end of each context of a run that captured `finalNorm`, one for each choice.
    func values(_ run: CapturedActivations) -> [Double] {
        let normed = run[.finalNorm]
        return choices.indices.map { value(ofPair: $0, normed[run.rows(ofContext: $0).upperBound - 1]) }
    }
}
