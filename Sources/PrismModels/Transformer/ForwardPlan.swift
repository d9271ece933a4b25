import PrismCore
import PrismTensor

/// A request checked against a model and laid out by hook order, so that the pass looks things up by number.
struct ForwardPlan: Sendable {
    let start: ForwardRequest.Start?
    /// Order of the first point reached.
    let first: Int
    /// Order of the last point reached.
    let last: Int
    /// What to change at each point, in this order.
    private(set) var interventions: [[Intervention]]
    /// Which output takes a point's activation.
    private(set) var captures: [Int?]
    /// Which output takes a point's gradient.
    private(set) var gradients: [Int?]
    /// Where the gradient begins, unless at the logits.
    let seed: (order: Int, weights: Tensor)?

    /// - gradients: the points whose gradients are wanted.
    /// - objective: nil for a pass that is not gone back.
    /// - Throws: `PrismError.usage` for a layer, token or context that the model does not have, and for a point that the
    ///   pass would not reach.
    init(
        _ request: ForwardRequest, _ configuration: TransformerConfiguration, gradients wanted: [HookPoint] = [],
        objective: Objective? = nil
    ) throws {
        let layerCount = configuration.layerCount
        func order(_ hook: HookPoint) throws -> Int {
            guard hook.layer.map({ (0..<layerCount).contains($0) }) ?? true else {
                throw PrismError.usage("there is no \(hook): the model's layers are 0 to \(layerCount - 1)")
            }
            if case .residualMid = hook, !configuration.hasResidualMid {
                throw PrismError.usage(
                    "there is no \(hook): attention and MLP of this model read the same residual stream, side by side")
            }
            return hook.order(layerCount: layerCount)
        }
        guard !request.capture.isEmpty || objective != nil else {
            throw PrismError.usage("a forward pass that captures nothing does nothing: name a hook point")
        }
        let first = try request.start.map { try order($0.hook) } ?? 0
        let none = [Int?](repeating: nil, count: 7 * layerCount + 2)
        var interventions = [[Intervention]](repeating: [], count: none.count)
        var (captures, gradients) = (none, none)
        func reached(_ hook: HookPoint) throws -> Int {
            let order = try order(hook)
            guard order >= first else {
                throw PrismError.usage("\(hook) lies before \(request.start!.hook), where the pass starts")
            }
            return order
        }
        func place(_ hooks: [HookPoint], in table: inout [Int?], _ what: String) throws {
            for (index, hook) in hooks.enumerated() {
                let order = try reached(hook)
                guard table[order] == nil else { throw PrismError.usage("\(hook) is to be \(what) twice") }
                table[order] = index
            }
        }
        try place(request.capture, in: &captures, "captured")
        try place(wanted, in: &gradients, "differentiated by")
        for intervention in request.interventions {
            guard objective == nil || intervention.pullback != nil else {
                throw PrismError.usage(
                    "the intervention at \(intervention.hook) does not say how a gradient goes back through it")
            }
            try interventions[reached(intervention.hook)].append(intervention)
        }
        try Self.check(request, configuration)
        start = request.start
        self.first = first
        let deepest = captures.lastIndex { $0 != nil } ?? 0
        switch objective {
        case nil: (seed, last) = (nil, deepest)
        case .logits: (seed, last) = (nil, none.count)
        case .activation(let hook, let weights):
            let order = try reached(hook)
            guard weights.shape == [request.tokenCount, configuration.width(at: hook)] else {
                throw PrismError.usage(
                    "the objective at \(hook) has weights \(weights.shape), not [\(request.tokenCount) tokens, "
                        + "\(configuration.width(at: hook))]")
            }
            (seed, last) = ((order, weights), max(order, deepest))
        }
        self.interventions = interventions
        self.captures = captures
        self.gradients = gradients
    }

    private static func check(_ request: ForwardRequest, _ configuration: TransformerConfiguration) throws {
        for (index, context) in request.contexts.enumerated() {
            guard context.count <= configuration.contextLength else {
                throw PrismError.usage(
                    "context \(index) has \(context.count) tokens; the model reads at most \(configuration.contextLength)"
                )
            }
            if let token = context.first(where: { $0 < 0 || $0 >= configuration.vocabularySize }) {
                throw PrismError.usage(
                    "context \(index): there is no token \(token); the vocabulary has \(configuration.vocabularySize)")
            }
        }
        guard let start = request.start else { return }
        guard start.hook.isResidual else {
            throw PrismError.usage("a pass cannot start at \(start.hook), only at the embedding or a residual stream")
        }
        guard start.residual.shape == [request.tokenCount, configuration.width] else {
            throw PrismError.usage(
                "the residual stream to start from is \(start.residual.shape), not [\(request.tokenCount) tokens, "
                    + "\(configuration.width)]")
        }
    }
}
