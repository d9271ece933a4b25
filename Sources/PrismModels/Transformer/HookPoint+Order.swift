import PrismCore

extension HookPoint {
    /// The place of this point in the order in which a forward pass reaches them: 0 is the embedding, then seven a block,
    /// last the final norm.
    package func order(layerCount: Int) -> Int {
        switch self {
        case .embedding: 0
        case .residualPre(let layer): 7 * layer + 1
        case .attentionOut(let layer): 7 * layer + 2
        case .residualMid(let layer): 7 * layer + 3
        case .mlpIn(let layer): 7 * layer + 4
        case .neurons(let layer): 7 * layer + 5
        case .mlpOut(let layer): 7 * layer + 6
        case .residualPost(let layer): 7 * layer + 7
        case .finalNorm: 7 * layerCount + 1
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
