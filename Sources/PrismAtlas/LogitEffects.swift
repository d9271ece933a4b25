import PrismTensor

/// How much a latent pushes a token.
public struct LogitEffect: Hashable, Sendable {
    public var token: Int32
    /// Change of the token's logit, relative to the mean over the vocabulary, per unit of activation before the norm's scale.
    public var value: Float
}

/// The tokens that a latent pushes up and down most.
public struct LogitEffects: Hashable, Sendable {
    /// Largest first.
    public var promoted: [LogitEffect] = []
    /// Smallest first.
    public var suppressed: [LogitEffect] = []
}

/// What each decoder row does to the logits directly, past all later layers.
///
/// effect(v) = (d ⊙ w) · (U_v − Ū), with the final norm's weight w and the mean unembedding row Ū: the constant that moves
/// all logits alike, and so no probability, is taken out. The norm's division by the residual stream's length is left out:
/// it scales all effects of a token alike.
/// - decoder: [latents, width]. A row of zeros has no effect and gets empty lists.
/// - unembedding: [vocabulary, width]
/// - finalNormWeight: [width]; nil for a norm without weights.
/// - count: tokens in each direction.
package func logitEffects(
    decoder: Tensor, unembedding: Tensor, finalNormWeight: [Float]?, count: Int, workers: Workers = Workers()
) -> [LogitEffects] {
    let d = decoder.rowWidth
    precondition(finalNormWeight.map { $0.count == d } ?? true, "the norm's weight is not [\(d)]")
    let directions = decoder.copy()
    if let weight = finalNormWeight {
        for latent in 0..<decoder.rowCount { for j in 0..<d { directions[latent][j] *= weight[j] } }
    }
    var mean = [Double](repeating: 0, count: d)
    for token in 0..<unembedding.rowCount { for j in 0..<d { mean[j] += Double(unembedding[token][j]) } }
    for j in 0..<d { mean[j] /= Double(max(unembedding.rowCount, 1)) }

    // The constant does not change the order: select on the plain product, subtract from what was selected.
    let selections = reduceProducts(
        directions, unembedding, workers: workers,
        start: { (up: TopSelection(capacity: count), down: TopSelection(capacity: count)) },
        take: {
            $0.up.insert($1, first: $2)
            $0.down.insert($1, first: $2, scale: -1)
        })
    return selections.enumerated().map { latent, selection in
        guard (0..<d).contains(where: { directions[latent][$0] != 0 }) else { return LogitEffects() }
        let constant = (0..<d).reduce(0.0) { $0 + Double(directions[latent][$1]) * mean[$1] }
        func effects(_ selection: TopSelection, sign: Double) -> [LogitEffect] {
            zip(selection.indices, selection.values).map {
                LogitEffect(token: $0.0, value: Float(sign * Double($0.1) - constant))
            }
        }
        return LogitEffects(promoted: effects(selection.up, sign: 1), suppressed: effects(selection.down, sign: -1))
    }
}
