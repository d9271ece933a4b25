import PrismCore
import PrismTensor

extension Transformer {
    /// Tokens that go through the model together: enough that a product reuses each weight it loads, few enough that the
    /// block's activations stay in the second- and third-level cache.
    static let blockTokens = 512
    /// Fewer tokens than fill four blocks are shared out among as many, so that threads have something to do; but not among
    /// blocks of fewer tokens than these, which would spend their time on loading weights.
    private static let fewestTokens = 64

    /// Runs a request and returns what it captures.
    ///
    /// The contexts are split into blocks of at most about 512 tokens, which the workers share. The split depends on the contexts
    /// alone, and no row influences another context's arithmetic: one thread and many give the same bytes.
    /// - Throws: `PrismError.usage` for a layer, token or length that the model does not have.
    public func run(_ request: ForwardRequest, workers: Workers = Workers()) throws -> CapturedActivations {
        let outputs = request.capture.map { Tensor(request.tokenCount, configuration.width(at: $0)) }
        try run(request, into: outputs, workers: workers)
        return CapturedActivations(request, Dictionary(uniqueKeysWithValues: zip(request.capture, outputs)))
    }

    /// Runs a request into tensors that the caller keeps, for example rows of a buffer that harvesting fills.
    /// - outputs: one for each captured hook point, in the same order, [all tokens, width at the hook].
    public func run(_ request: ForwardRequest, into outputs: [Tensor], workers: Workers = Workers()) throws {
        let plan = try ForwardPlan(request, configuration)
        for (index, hook) in request.capture.enumerated() {
            let shape = [request.tokenCount, configuration.width(at: hook)]
            precondition(
                index < outputs.count && outputs[index].shape == shape, "the output for \(hook) must be \(shape)")
        }
        let blocks = Self.blocks(of: request)
        workers.forEachBlock(blocks.count) { _, index in
            withWorkspace(rows: blocks[index].rowCount) {
                _ = Pass(model: self, block: blocks[index], plan: plan, workspace: $0, outputs: outputs).run()
            }
        }
    }

    /// What threads share: a quarter of the tokens each, within bounds.
    static func blocks(of request: ForwardRequest) -> [ContextBlock] {
        blocks(of: request, enough: max(fewestTokens, (request.tokenCount + 3) / 4))
    }

    /// Consecutive contexts of together at most `blockTokens` tokens, and no more than make `enough`; a longer context is a
    /// block of its own.
    static func blocks(of request: ForwardRequest, enough: Int) -> [ContextBlock] {
        var blocks: [ContextBlock] = []
        var open: [ContextRows] = []
        var (rows, firstRow) = (0, 0)
        func close() {
            if !open.isEmpty { blocks.append(ContextBlock(contexts: open, firstRow: firstRow)) }
            firstRow += rows
            (open, rows) = ([], 0)
        }
        for (index, tokens) in request.contexts.enumerated() where !tokens.isEmpty {
            if rows >= enough || rows + tokens.count > blockTokens { close() }
            let firstPosition = request.past?.origins[index].firstPosition ?? 0
            open.append(
                ContextRows(
                    index: index, rows: rows..<rows + tokens.count, firstPosition: firstPosition, tokens: tokens))
            rows += tokens.count
        }
        close()
        return blocks
    }
}
