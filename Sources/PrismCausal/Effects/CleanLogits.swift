import PrismMetrics
import PrismModels
import PrismTensor

/// What a model predicts at every position of a context, to compare changed passes with.
struct CleanLogits: Sendable {
    /// Enough that a product reuses each weight of the unembedding that it loads.
    private static let rowsTogether = 48

    private let model: Transformer
    /// [tokens, vocabulary]
    private let logits: Tensor
    private let sums: [Double]

    /// - normed: the final norm's output, [tokens, width].
    init(_ model: Transformer, _ normed: Tensor, _ workers: Workers) {
        let logits = Tensor(normed.rowCount, model.configuration.vocabularySize)
        sums = workers.map(normed.rowCount, by: Self.rowsTogether) { _, rows in
            model.logits(normed.rows(rows), into: logits.rows(rows))
            return rows.map { logSumExp(logits[$0], count: logits.rowWidth) }
        }.flatMap(\.self)
        (self.model, self.logits) = (model, logits)
    }

    /// Compares a changed pass's predictions, token by token.
    /// - normed: of the changed pass, [tokens from `first` on, width]. active: positions of the one side of the tally.
    /// - keepsShifts: whether the changes of log p are summed over the active positions, [vocabulary].
    func compare(
        _ normed: Tensor, from first: Int, _ tokens: [Int32], active: Set<Int>, keepsShifts: Bool
    ) -> (EffectTally, shifts: Tensor?) {
        let vocabulary = logits.rowWidth
        var tally = EffectTally()
        let shifts = keepsShifts ? Tensor(vocabulary) : nil
        let out = Tensor(min(Self.rowsTogether, normed.rowCount), vocabulary)
        for start in stride(from: 0, to: normed.rowCount, by: Self.rowsTogether) {
            let rows = start..<min(start + Self.rowsTogether, normed.rowCount)
            model.logits(normed.rows(rows), into: out.rows(0..<rows.count))
            for row in rows {
                let (position, changed) = (first + row, out[row - start])
                let (clean, sum) = (logits[position], logSumExp(changed, count: vocabulary))
                let target = position + 1 < tokens.count ? Int(tokens[position + 1]) : nil
                tally.add(
                    divergence: divergence(clean, sums[position], changed, sum, count: vocabulary),
                    loss: target.map { sum - Double(changed[$0]) - (sums[position] - Double(clean[$0])) },
                    isActive: active.contains(position))
                guard let shifts, active.contains(position) else { continue }
                let shift = Float(sum - sums[position])
                for v in 0..<vocabulary { shifts.data[v] += changed[v] - clean[v] - shift }
            }
        }
        return (tally, shifts)
    }
}
