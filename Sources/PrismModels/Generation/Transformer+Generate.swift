import PrismCore
import PrismTensor

extension Transformer {
    /// Continues a prompt token by token. Keys and values of past positions are cached, so a new token costs one row.
    ///
    /// Interventions see the prompt's rows in the first pass and one row in each later pass, with true positions
    /// (`ContextRows.firstPosition`).
    /// - count: the most tokens to add.
    /// - stop: token ids that end the text, for example the end-of-sequence token; they are not part of the result.
    /// - onToken: sees each token as it comes; false ends the text.
    /// - Returns: the new tokens.
    /// - Throws: `PrismError.usage` for a prompt that is empty, or together with `count` longer than the model reads;
    ///   `.runFailed` if the logits are no numbers.
    public func generate(
        prompt: [Int32], count: Int, sampling: Sampling = .greedy, seed: UInt64 = 0, stop: Set<Int32> = [],
        interventions: [Intervention] = [], onToken: (Int32) throws -> Bool = { _ in true }
    ) throws -> [Int32] {
        try sampling.validate()
        var random = SeededGenerator(seed: seed, stream: "generate")
        var generator = try TokenGenerator(self, prompt: prompt, count: count, interventions: interventions)
        var result: [Int32] = []
        var next = prompt
        while result.count < count {
            let logits = try generator.advance(next)
            guard
                let token = sampling.token(UnsafeBufferPointer(start: logits.data, count: logits.count), using: &random)
            else { throw PrismError.runFailed("position \(prompt.count + result.count) has no logit that is a number") }
            if stop.contains(token) { break }
            result.append(token)
            next = [token]
            guard try onToken(token) else { break }
        }
        return result
    }
}

/// A context that grows: the cache of its past and what the next rows need.
package struct TokenGenerator {
    private let model: Transformer
    private let interventions: [Intervention]
    private let cache: KeyValueCache
    /// Output of the final norm of the rows in hand, [prompt's rows, width].
    private let normed: Tensor
    private let logits: Tensor
    /// The most positions the cache holds.
    private let capacity: Int

    package init(_ model: Transformer, prompt: [Int32], count: Int, interventions: [Intervention]) throws {
        guard !prompt.isEmpty else { throw PrismError.usage("generation needs a prompt of at least one token") }
        guard count >= 0, prompt.count + count <= model.configuration.contextLength else {
            throw PrismError.usage(
                "a prompt of \(prompt.count) tokens and \(count) new ones exceed the model's context of "
                    + "\(model.configuration.contextLength)")
        }
        self.model = model
        self.interventions = interventions
        capacity = prompt.count + count
        cache = KeyValueCache(model.configuration, capacity: capacity)
        normed = Tensor(prompt.count, model.configuration.width)
        logits = Tensor(1, model.configuration.vocabularySize)
    }

    /// Reads tokens behind those read before (never more at once than the prompt has).
    /// - Returns: the logits after the last of them, [1, vocabulary]; overwritten by the next call.
    package mutating func advance(_ tokens: [Int32]) throws -> Tensor {
        precondition(cache.count + tokens.count <= capacity && tokens.count <= normed.rowCount)
        let request = ForwardRequest(contexts: [tokens], capture: [.finalNorm], interventions: interventions)
        let plan = try ForwardPlan(request, model.configuration)
        let rows = ContextRows(index: 0, rows: 0..<tokens.count, firstPosition: cache.count, tokens: tokens)
        model.withWorkspace(rows: tokens.count) {
            _ = Pass(
                model: model, block: ContextBlock(contexts: [rows], firstRow: 0), plan: plan, workspace: $0,
                cache: cache, outputs: [normed]
            ).run()
        }
        cache.count += tokens.count
        model.logits(normed.rows(tokens.count - 1..<tokens.count), into: logits)
        return logits
    }
}
