import PrismCore
import PrismTensor

/// What a forward pass shall read and change. Capture and intervention belong to the request, never to the model, so one
/// model serves many requests at the same time.
///
/// ```swift
/// let hook = HookPoint.residualPost(layer: 15)
/// let found = try model.run(ForwardRequest(contexts: contexts, capture: [hook]))
/// found[hook]        // [all tokens, width]
/// ```
public struct ForwardRequest: Sendable {
    /// Token ids; contexts may differ in length. Each starts at position 0, unless it has a past, and sees only itself.
    public var contexts: [[Int32]]
    /// What to read, after any interventions at the same point. The pass ends at the deepest of them.
    public var capture: [HookPoint]
    /// What to change, in this order where several share a point.
    public var interventions: [Intervention] = []
    /// Starts from a residual stream captured before instead of from the tokens; the tokens then only label the rows.
    public var start: Start?
    /// What lies before the contexts' tokens and is not run again.
    public var past: Past?

    /// A captured residual stream to go on from.
    public struct Start: Sendable {
        /// The point it was captured at: the embedding or a residual stream. Interventions at this point are applied.
        public var hook: HookPoint
        /// [all tokens, width], in the order of the contexts; not modified.
        public var residual: Tensor

        public init(at hook: HookPoint, _ residual: Tensor) {
            self.hook = hook
            self.residual = residual
        }
    }

    /// Positions before a request's own: each of its contexts goes on from one of an earlier pass.
    public struct Past: Sendable {
        /// That pass, with the keys and values of every layer that is run.
        public var activations: CapturedActivations
        /// For each context of the request, which of that pass it goes on from, and the position of its own first token.
        public var origins: [(context: Int, firstPosition: Int)]

        public init(_ activations: CapturedActivations, origins: [(context: Int, firstPosition: Int)]) {
            self.activations = activations
            self.origins = origins
        }
    }

    public init(
        contexts: [[Int32]], capture: [HookPoint], interventions: [Intervention] = [], start: Start? = nil,
        past: Past? = nil
    ) {
        self.contexts = contexts
        self.capture = capture
        self.interventions = interventions
        self.start = start
        self.past = past
    }

    /// Tokens of all contexts together: the rows of each captured tensor.
    public var tokenCount: Int { contexts.reduce(0) { $0 + $1.count } }
}

/// A change to the activation at one hook point: ablation, steering, patching, the splice of a dictionary.
///
/// ```swift
/// let ablation = Intervention(at: .mlpOut(layer: 3)) { activation, _ in activation.fill(0) }
/// ```
public struct Intervention: Sendable {
    public let hook: HookPoint
    /// Changes in place the activation of one block of contexts, [rows of the block, width at the hook].
    ///
    /// Blocks run on several threads at once, in any order; what is done to a row must not depend on the other contexts in
    /// the block, because grouping is the runner's affair.
    public let apply: @Sendable (_ activation: Tensor, _ contexts: [ContextRows]) -> Void
    /// Turns in place the gradient by what `apply` left into that by what it was given; nil where nobody differentiates.
    public let pullback: (@Sendable (_ gradient: Tensor, _ activation: Tensor, _ contexts: [ContextRows]) -> Void)?
    /// Whether what lies behind the point counts as constant: the gradient at the point is known, and goes no further back.
    public let stopsGradient: Bool

    public init(
        at hook: HookPoint, stopsGradient: Bool = false,
        apply: @escaping @Sendable (_ activation: Tensor, _ contexts: [ContextRows]) -> Void = { _, _ in },
        pullback: (@Sendable (_ gradient: Tensor, _ activation: Tensor, _ contexts: [ContextRows]) -> Void)? = nil
    ) {
        self.hook = hook
        self.stopsGradient = stopsGradient
        self.apply = apply
        self.pullback = pullback
    }
}

/// Where one context lies in a block of rows.
public struct ContextRows: Sendable {
    /// The context's number in the request.
    public let index: Int
    /// Its rows in the activation.
    public let rows: Range<Int>
    /// The position of its first row in the context: 0, except where it goes on behind a cache or a past.
    public let firstPosition: Int
    /// The tokens of its rows.
    public let tokens: [Int32]

    /// The row of a position in the context; nil if this block does not hold it.
    public func row(ofPosition position: Int) -> Int? {
        let row = rows.lowerBound + position - firstPosition
        return rows.contains(row) ? row : nil
    }
}

/// What a forward pass captured.
public struct CapturedActivations: Sendable {
    /// [all tokens, width at the hook] per hook point.
    public let tensors: [HookPoint: Tensor]
    /// First row of each context, and behind them the number of rows.
    private let offsets: [Int]

    init(_ request: ForwardRequest, _ tensors: [HookPoint: Tensor]) {
        self.tensors = tensors
        offsets = request.contexts.reduce(into: [0]) { $0.append($0.last! + $1.count) }
    }

    /// [all tokens, width at the hook], the contexts one after the other.
    public subscript(hook: HookPoint) -> Tensor {
        guard let tensor = tensors[hook] else { preconditionFailure("\(hook) was not captured") }
        return tensor
    }

    /// The rows of one context in every captured tensor.
    public func rows(ofContext index: Int) -> Range<Int> { offsets[index]..<offsets[index + 1] }
}
