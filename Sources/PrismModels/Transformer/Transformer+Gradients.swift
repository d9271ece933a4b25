import PrismCore
import PrismTensor

/// A scalar that a pass ends in, to be differentiated. It is a sum over contexts.
public enum Objective: Sendable {
    /// Σ over rows of a function of the row's logits.
    case logits(LogitObjective)
    /// Σ activation ⊙ weights at a hook point; weights: [all tokens, width at the hook].
    case activation(at: HookPoint, weights: Tensor)

    /// Mean over all next-token predictions of −log p(next token), in nats. The first token is predicted from nothing, so a
    /// context of n tokens has n − 1.
    public static func crossEntropy(_ contexts: [[Int32]], backend: any Backend) -> Objective {
        let share = 1 / Float(max(1, contexts.reduce(0) { $0 + max(0, $1.count - 1) }))
        return .logits(
            LogitObjective(positions: { Array(0..<max(0, $0.tokens.count - 1)) }) {
                context, position, logits, gradient in
                let loss = backend.crossEntropy(
                    logits.baseAddress!, count: logits.count, target: Int(context.tokens[position + 1]), scale: share,
                    gradient: gradient.baseAddress!)
                return Double(share) * Double(loss)
            })
    }

    /// Σ over contexts of logit(a) − logit(b) after the last token: how much a prompt prefers one answer to another.
    /// - answers: for each context a and b; without b, logit(a).
    public static func logitDifference(_ answers: [(Int32, Int32?)]) -> Objective {
        .logits(
            LogitObjective(positions: { [$0.tokens.count - 1] }) { context, _, logits, gradient in
                let (a, b) = answers[context.index]
                gradient[Int(a)] += 1
                if let b { gradient[Int(b)] -= 1 }
                return Double(logits[Int(a)]) - (b.map { Double(logits[Int($0)]) } ?? 0)
            })
    }
}

/// A sum over some rows of a function of their logits.
public struct LogitObjective: Sendable {
    /// Positions in a context that count; the context has at least one token.
    public let positions: @Sendable (ContextRows) -> [Int]
    /// The function's value at one position, and into `gradient`, [vocabulary], zero before, its derivative by each logit.
    public let value:
        @Sendable (
            _ context: ContextRows, _ position: Int, _ logits: UnsafeBufferPointer<Float>,
            _ gradient: UnsafeMutableBufferPointer<Float>
        ) -> Double

    public init(
        positions: @escaping @Sendable (ContextRows) -> [Int],
        value:
            @escaping @Sendable (
                ContextRows, Int, UnsafeBufferPointer<Float>, UnsafeMutableBufferPointer<Float>
            ) -> Double
    ) {
        self.positions = positions
        self.value = value
    }
}

/// What to differentiate a pass by.
public struct GradientRequest: Sendable {
    /// The pass; it may capture nothing. Interventions need a `pullback`.
    public var pass: ForwardRequest
    public var objective: Objective
    /// Hook points whose gradients are wanted: by the activation after interventions there.
    public var hooks: [HookPoint]
    /// Whether gradients of all weights are wanted.
    public var weights = false
    /// Keep only what each block reads, and run blocks again on the way back: memory for a third more time.
    public var recomputesBlocks = false
    /// What counts as constant.
    public var frozen: Frozen = []

    public init(_ pass: ForwardRequest, objective: Objective, hooks: [HookPoint] = [], weights: Bool = false) {
        self.pass = pass
        self.objective = objective
        self.hooks = hooks
        self.weights = weights
    }
}

/// A differentiated pass.
public struct Gradients {
    /// The objective, context by context.
    public let values: [Double]
    /// What the pass captured.
    public let activations: CapturedActivations
    /// ∂objective / ∂activation, [all tokens, width at the hook] per hook point.
    public let hooks: CapturedActivations
    /// ∂objective / ∂weight, matrices [outputs, inputs]; empty if none were wanted. Tied embeddings are one weight.
    public let weights: [WeightName: Tensor]

    public var value: Double { values.reduce(0, +) }
}

extension Transformer {
    /// Runs a pass and goes back through it: reverse-mode differentiation of the same code that `run` runs.
    ///
    /// Blocks of contexts are shared among workers as in `run`. Gradients of weights are summed in a number of lanes that
    /// depends on the model's size alone, and these in order, so one thread and many give the same bytes. In bf16 the
    /// gradient is that of the rounded weights, itself in fp32.
    /// - Throws: `PrismError.usage` as `run`, and for an intervention without a `pullback`.
    public func gradients(_ request: GradientRequest, workers: Workers = Workers()) throws -> Gradients {
        let plan = try plan(request)
        func tensors(_ hooks: [HookPoint]) -> [Tensor] {
            hooks.map { Tensor(request.pass.tokenCount, configuration.width(at: $0)) }
        }
        let (activations, hooks) = (tensors(request.pass.capture), tensors(request.hooks))
        let blocks = Self.blocks(of: request.pass)
        let weightCount = configuration.weightNames.reduce(0) { $0 + configuration.shape(of: $1)!.reduce(1, *) }
        let laneCount = request.weights ? min(weightCount < 1 << 24 ? 8 : 2, blocks.count) : blocks.count
        let lanes = workers.map(laneCount, by: 1) { _, lane -> (values: [Int: Double], weights: WeightGradients?) in
            let weights = request.weights ? WeightGradients(configuration) : nil
            var values: [Int: Double] = [:]
            for index in stride(from: lane.lowerBound, to: blocks.count, by: laneCount) {
                withWorkspace(rows: blocks[index].rowCount) { workspace in
                    let tape = Tape(
                        weights: weights, recomputesBlocks: request.recomputesBlocks, frozen: request.frozen)
                    let pass = Pass(
                        model: self, block: blocks[index], plan: plan, workspace: workspace, outputs: activations,
                        gradientOutputs: hooks, tape: tape)
                    let normed = pass.run()
                    switch request.objective {
                    case .logits(let objective): normed.map { pass.evaluate(objective, at: $0, tape) }
                    case .activation(let hook, let weights): pass.evaluate(weights, at: hook, tape)
                    }
                    tape.rewind()
                    values.merge(tape.values) { $1 }
                }
            }
            return (values, weights)
        }
        var values = [Double](repeating: 0, count: request.pass.contexts.count)
        for lane in lanes { for (context, value) in lane.values { values[context] = value } }
        let found = CapturedActivations(
            request.pass, Dictionary(uniqueKeysWithValues: zip(request.pass.capture, activations)))
        return Gradients(
            values: values, activations: found,
            hooks: CapturedActivations(request.pass, Dictionary(uniqueKeysWithValues: zip(request.hooks, hooks))),
            weights: request.weights ? sum(lanes.map { $0.weights! }, workers) : [:])
    }

    private func plan(_ request: GradientRequest) throws -> ForwardPlan {
        guard case .activation(let hook, let weights) = request.objective else {
            return try ForwardPlan(
                request.pass, configuration, gradients: request.hooks, seeds: [], readsLogits: true)
        }
        let plan = try ForwardPlan(request.pass, configuration, gradients: request.hooks, seeds: [hook])
        guard weights.shape == [request.pass.tokenCount, configuration.width(at: hook)] else {
            throw PrismError.usage(
                "the objective at \(hook) has weights \(weights.shape), not [\(request.pass.tokenCount) tokens, "
                    + "\(configuration.width(at: hook))]")
        }
        return plan
    }

    private func sum(_ lanes: [WeightGradients], _ workers: Workers) -> [WeightName: Tensor] {
        let names = configuration.weightNames
        let sums = workers.map(names.count, by: 1) { _, index in
            let name = names[index.lowerBound]
            let parts = lanes.compactMap { $0.tensors[name] }
            for part in parts.dropFirst() { backend.add(part, to: parts[0]) }
            return parts.first ?? Tensor(shape: configuration.shape(of: name)!)
        }
        return Dictionary(uniqueKeysWithValues: zip(names, sums))
    }
}

extension Pass {
    /// Σ activation ⊙ weights, and begins the way back at that point.
    fileprivate func evaluate(_ weights: Tensor, at hook: HookPoint, _ tape: Tape) {
        let order = hook.order(layerCount: configuration.layerCount)
        let (activation, own) = (tape.seed(order), weights.rows(block.firstRow..<block.firstRow + block.rowCount))
        tape.forgetEntries(behind: order)
        activation.receive(backend) { $0.update(from: own) }
        for context in block.contexts {
            tape.values[context.index] = context.rows.reduce(0.0) { sum, row in
                sum + Double(backend.dot(activation.tensor[row], own[row], count: own.rowWidth))
            }
        }
    }

    /// Evaluates an objective on the rows it reads, some rows of logits at a time, and begins the way back.
    fileprivate func evaluate(_ objective: LogitObjective, at normed: Node, _ tape: Tape) {
        let (width, vocabulary) = (configuration.width, configuration.vocabularySize)
        let places = block.contexts.flatMap { context in
            objective.positions(context).map { (context: context, position: $0) }
        }
        let unembedding = model.weights.unembedding
        let slice = max(16, min(256, (1 << 20) / vocabulary))
        let gradient = normed.gradientToAddTo()
        let memory = (rows: Tensor(slice, width), logits: Tensor(slice, vocabulary), slopes: Tensor(slice, vocabulary))
        for first in stride(from: 0, to: places.count, by: slice) {
            let places = places[first..<min(first + slice, places.count)]
            let rows = memory.rows.rows(0..<places.count)
            let (logits, slopes) = (memory.logits.rows(0..<places.count), memory.slopes.rows(0..<places.count))
            slopes.fill(0)
            for (i, place) in places.enumerated() {
                rows[i].update(from: normed.tensor[place.context.row(ofPosition: place.position)!], count: width)
            }
            model.logits(rows, into: logits)
            for (i, place) in places.enumerated() {
                tape.values[place.context.index, default: 0] += objective.value(
                    place.context, place.position, UnsafeBufferPointer(start: logits[i], count: vocabulary),
                    UnsafeMutableBufferPointer(start: slopes[i], count: vocabulary))
            }
            if let cap = configuration.logitSoftCap {
                for i in 0..<slopes.count { slopes.data[i] *= 1 - (logits.data[i] / cap) * (logits.data[i] / cap) }
            }
            if let weights = tape.weights {
                backend.accumulateProduct(slopes, rows, into: weights[unembedding.name])
                if unembedding.bias != nil {
                    backend.add(rowsOf: slopes, to: weights[WeightName(.unembedding, isBias: true)])
                }
            }
            backend.linear(slopes, unembedding.transposed(backend), into: rows)
            for (i, place) in places.enumerated() {
                let out = gradient[place.context.row(ofPosition: place.position)!]
                for c in 0..<width { out[c] += rows[i][c] }
            }
        }
    }
}
