import PrismCore
import PrismTensor

extension Transformer {
    /// Mean over all next-token predictions of −log p(next token), in nats. The first token of a context is predicted from
    /// nothing and does not count.
    /// - Throws: `PrismError.usage` as `run`.
    public func crossEntropy(_ contexts: [[Int32]], workers: Workers = Workers()) throws -> Double {
        let vocabulary = configuration.vocabularySize
        var (sum, count) = (0.0, 0)
        // As many contexts at a time as make some blocks for each thread.
        var rest = contexts[...]
        while !rest.isEmpty {
            var tokens = 0
            let part = Array(
                rest.prefix { context in
                    defer { tokens += context.count }
                    return tokens == 0 || tokens + context.count <= 8192
                })
            rest = rest.dropFirst(part.count)
            let normed = try run(ForwardRequest(contexts: part, capture: [.finalNorm]), workers: workers)
            sum += workers.map(part.count, by: 1) { _, index -> Double in
                let context = part[index.lowerBound]
                guard context.count > 1 else { return 0 }
                let rows = normed[.finalNorm].rows(normed.rows(ofContext: index.lowerBound))
                let (logits, gradient) = (Tensor(context.count - 1, vocabulary), Tensor(vocabulary))
                self.logits(rows.rows(0..<context.count - 1), into: logits)
                return (0..<context.count - 1).reduce(0.0) { sum, position in
                    sum
                        + Double(
                            backend.crossEntropy(
                                logits[position], count: vocabulary, target: Int(context[position + 1]), scale: 1,
                                gradient: gradient.data))
                }
            }.reduce(0, +)
            count += part.reduce(0) { $0 + max(0, $1.count - 1) }
        }
        return sum / Double(max(1, count))
    }
}
