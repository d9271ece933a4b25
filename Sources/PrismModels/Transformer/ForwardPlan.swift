import PrismCore
import PrismTensor

/// A request checked against a model and laid out by hook order, so that the pass looks things up by number.
struct ForwardPlan: Sendable {
    let start: ForwardRequest.Start?
    /// Order of the first point reached.
    let first: Int
    /// Order of the last point reached.
    let last: Int
    private let interventions: [[Intervention]]
    private let captures: [Int?]

    /// - Throws: `PrismError.usage` for a layer, token or context that the model does not have, and for a point that the
    ///   pass would not reach.
    init(_ request: ForwardRequest, _ configuration: TransformerConfiguration) throws {
        let layerCount = configuration.layerCount
        func order(_ hook: HookPoint) throws -> Int {
            guard hook.layer.map({ (0..<layerCount).contains($0) }) ?? true else {
                throw PrismError.usage("there is no \(hook): the model's layers are 0 to \(layerCount - 1)")
            }
            return hook.order(layerCount: layerCount)
        }
        guard !request.capture.isEmpty else {
            throw PrismError.usage("a forward pass that captures nothing does nothing: name a hook point")
        }
        let first = try request.start.map { try order($0.hook) } ?? 0
        var interventions = [[Intervention]](repeating: [], count: 7 * layerCount + 2)
        var captures = [Int?](repeating: nil, count: 7 * layerCount + 2)
        func reached(_ hook: HookPoint) throws -> Int {
            let order = try order(hook)
            guard order >= first else {
                throw PrismError.usage("\(hook) lies before \(request.start!.hook), where the pass starts")
            }
            return order
        }
        for (index, hook) in request.capture.enumerated() {
            let order = try reached(hook)
            guard captures[order] == nil else { throw PrismError.usage("\(hook) is to be captured twice") }
            captures[order] = index
        }
        for intervention in request.interventions { try interventions[reached(intervention.hook)].append(intervention) }
        try Self.check(request, configuration)
        start = request.start
        self.first = first
        last = captures.lastIndex { $0 != nil }!
        self.interventions = interventions
        self.captures = captures
    }

    /// Applies the interventions at a point, then copies the rows out if they are captured.
    /// - activation: [rows of the block, width at the hook]
    /// - outputs: per captured hook the tensor to fill; `row` is the block's first row there.
    /// - Returns: whether the pass ends here.
    func visit(_ order: Int, _ activation: Tensor, _ contexts: [ContextRows], _ outputs: [Tensor], row: Int) -> Bool {
        for intervention in interventions[order] { intervention.apply(activation, contexts) }
        if let index = captures[order] { outputs[index][row].update(from: activation.data, count: activation.count) }
        return order == last
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
