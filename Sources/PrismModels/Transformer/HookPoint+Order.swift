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

extension Transformer {
    /// The last residual stream from which all of `hooks` still lie ahead: where a pass that changes them may start.
    package func start(before hooks: [HookPoint]) -> HookPoint {
        let layers = configuration.layerCount
        let first = hooks.map { $0.order(layerCount: layers) }.min() ?? .max
        let streams = (0..<layers).flatMap { layer -> [HookPoint] in
            let middle = configuration.hasResidualMid ? [HookPoint.residualMid(layer: layer)] : []
            return [.residualPre(layer: layer)] + middle + [.residualPost(layer: layer)]
        }
        return ([.embedding] + streams).last { $0.order(layerCount: layers) <= first }!
    }

    /// What a pass from a point on needs of an earlier one to leave positions out (`ForwardRequest.Past`).
    package func pastHooks(from start: HookPoint) -> [HookPoint] {
        let first = start.order(layerCount: configuration.layerCount)
        return (0..<configuration.layerCount).flatMap { [HookPoint.keys(layer: $0), .values(layer: $0)] }
            .filter { $0.order(layerCount: configuration.layerCount) >= first }
    }
}
