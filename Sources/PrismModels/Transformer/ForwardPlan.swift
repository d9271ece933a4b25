import PrismCore
import PrismTensor

/// A request checked against a model and laid out by hook order, so that the pass looks things up by number.
struct ForwardPlan: Sendable {
    let start: ForwardRequest.Start?
    let past: ForwardRequest.Past?
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
    /// Points besides the logits at which a way back may begin.
    let seeds: Set<Int>

    /// - gradients: the points whose gradients are wanted.
    /// - seeds: points at which a way back may begin; nil for a pass that is not gone back.
    /// - readsLogits: whether it may begin at the logits.
    /// - Throws: `PrismError.usage` for a layer, token or context that the model does not have, and for a point that the
    ///   pass would not reach.
    init(
        _ request: ForwardRequest, _ configuration: TransformerConfiguration, gradients wanted: [HookPoint] = [],
        seeds: [HookPoint]? = nil, readsLogits: Bool = false
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
        guard !request.capture.isEmpty || seeds != nil else {
            throw PrismError.usage("a forward pass that captures nothing does nothing: name a hook point")
        }
        let first = try request.start.map { try order($0.hook) } ?? 0
        let none = [Int?](repeating: nil, count: HookPoint.finalNorm.order(layerCount: layerCount) + 1)
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
            guard seeds == nil || intervention.pullback != nil || intervention.stopsGradient else {
                throw PrismError.usage(
                    "the intervention at \(intervention.hook) does not say how a gradient goes back through it")
            }
            try interventions[reached(intervention.hook)].append(intervention)
        }
        if let origins = request.past?.origins, origins.count != request.contexts.count {
            throw PrismError.usage("\(request.contexts.count) contexts have \(origins.count) pasts")
        }
        try Self.check(request, configuration)
        start = request.start
        past = request.past
        self.first = first
        self.seeds = Set(try (seeds ?? []).map(reached))
        last = readsLogits ? none.count : max(captures.lastIndex { $0 != nil } ?? 0, self.seeds.max() ?? 0)
        if let past { try Self.check(past, request, configuration, first: first, last: last, isGoneBack: seeds != nil) }
        self.interventions = interventions
        self.captures = captures
        self.gradients = gradients
    }

    private static func check(_ request: ForwardRequest, _ configuration: TransformerConfiguration) throws {
        for (index, context) in request.contexts.enumerated() {
            let length = context.count + (request.past?.origins[index].firstPosition ?? 0)
            guard length <= configuration.contextLength else {
                throw PrismError.usage(
                    "context \(index) has \(length) tokens; the model reads at most \(configuration.contextLength)")
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

    private static func check(
        _ past: ForwardRequest.Past, _ request: ForwardRequest, _ configuration: TransformerConfiguration, first: Int,
        last: Int, isGoneBack: Bool
    ) throws {
        guard !isGoneBack else { throw PrismError.usage("a pass that goes on from a past cannot be differentiated") }
        for (index, origin) in past.origins.enumerated() {
            let length = past.activations.rows(ofContext: origin.context).count
            guard (0...length).contains(origin.firstPosition) else {
                throw PrismError.usage(
                    "context \(index) begins at position \(origin.firstPosition); what it goes on from has \(length)")
            }
        }
        for layer in 0..<configuration.layerCount {
            for hook in [HookPoint.keys(layer: layer), .values(layer: layer)] {
                let order = hook.order(layerCount: configuration.layerCount)
                guard past.activations.tensors[hook] != nil || order < first || order > last else {
                    throw PrismError.usage("the pass goes on from one that did not capture \(hook)")
                }
            }
        }
    }
}
