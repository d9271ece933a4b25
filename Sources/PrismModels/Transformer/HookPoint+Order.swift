import PrismCore

extension HookPoint {
    /// The place of this point in the order in which a forward pass reaches them: 0 is the embedding, then eleven a block,
    /// last the final norm.
    package func order(layerCount: Int) -> Int {
        func order(_ layer: Int, _ place: Int) -> Int { 11 * layer + place }
        return switch self {
        case .embedding: 0
        case .residualPre(let layer): order(layer, 1)
        case .queries(let layer): order(layer, 2)
        case .keys(let layer): order(layer, 3)
        case .values(let layer): order(layer, 4)
        case .heads(let layer): order(layer, 5)
        case .attentionOut(let layer): order(layer, 6)
        case .residualMid(let layer): order(layer, 7)
        case .mlpIn(let layer): order(layer, 8)
        case .neurons(let layer): order(layer, 9)
        case .mlpOut(let layer): order(layer, 10)
        case .residualPost(let layer): order(layer, 11)
        case .finalNorm: order(layerCount, 1)
        }
    }

    /// Whether this point is the residual stream itself, so that a pass can start from it alone.
    package var isResidual: Bool {
        switch self {
        case .embedding, .residualPre, .residualMid, .residualPost: true
        default: false
        }
    }
}
