import PrismCore
import PrismModels
import PrismTensor

/// What edges lead to: y = row · activation(hook)[position] + constant.
struct GraphTarget {
    let hook: HookPoint
    let position: Int
    /// [1, width], a view.
    let row: Tensor
    let constant: Float
    /// y
    let value: Double
}

extension LocalReplacement {
    /// A feature's pre-activation.
    func target(_ feature: Feature) -> GraphTarget {
        let transcoder = transcoders[feature.transcoder]
        return GraphTarget(
            hook: transcoder.reads, position: feature.position,
            row: transcoder.dictionary.encoder.rows(feature.latent..<feature.latent + 1),
            constant: transcoder.constant(of: feature.latent), value: Double(feature.activation))
    }

    /// A logit less the mean of all.
    func target(_ logit: LogitTarget) -> GraphTarget {
        let value = (0..<lastNorm.count).reduce(0.0) { $0 + Double(logit.row.data[$1]) * Double(lastNorm.data[$1]) }
        return GraphTarget(
            hook: .finalNorm, position: tokens.count - 1, row: logit.row, constant: 0, value: value)
    }
}
