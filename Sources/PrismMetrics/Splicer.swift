import Algorithms
import PrismActivations
import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor

/// Puts reconstructions, zeros and means in the place of activations and compares what the model then predicts.
///
/// Subjects that write the same hook points share the clean pass and both ablations.
struct Splicer {
    private let subjects: [Subject]
    private let means: [[Double]]
    private let model: Transformer
    private let workers: Workers

    /// - means: of what each subject's reconstructions stand for, [output width].
    init(_ subjects: [Subject], means: [[Double]], _ model: Transformer, _ workers: Workers) {
        (self.subjects, self.means, self.model, self.workers) = (subjects, means, model, workers)
    }

    /// - progress: advances by the contexts for each subject. - Returns: for each subject a tally for each context.
    func splice(_ chunk: [TokenContext], _ progress: Progress) throws -> [[SpliceTally]] {
        let targets = Array(subjects.map(\.writes).uniqued())
        let pass = try ReplaceablePass(
            model, chunk, replacing: targets, capture: subjects.flatMap { $0.reads + $0.writes }, workers: workers)
        let (clean, rows) = (pass.clean, pass.rows)
        var results = subjects.map { _ in [SpliceTally]() }
        for hooks in targets {
            let members = subjects.indices.filter { subjects[$0].writes == hooks }
            let width = hooks.reduce(0) { $0 + model.configuration.width(at: $1) }
            let mean = Tensor(rows.count, width)
            for t in 0..<rows.count { for c in 0..<width { mean[t][c] = Float(means[members[0]][c]) } }
            var norms = [clean[.finalNorm]]
            for ablated in [Tensor(rows.count, width), mean] {
                norms.append(try pass.finalNorm(replacing: hooks, by: ablated))
            }
            for member in members {
                let (dictionary, x) = (subjects[member].dictionary, clean.joined(subjects[member].reads, rows))
                let reconstruction = Tensor(rows.count, width)
                dictionary.decode(
                    dictionary.encode(x, workers: workers), of: x, into: reconstruction, workers: workers)
                norms.append(try pass.finalNorm(replacing: hooks, by: reconstruction))
                progress.advance(by: chunk.count)
            }
            let all = norms
            let tallies = workers.map(chunk.count, by: 1) { _, range in
                tally(all, chunk[range.lowerBound], firstRow: clean.rows(ofContext: range.lowerBound).lowerBound)
            }
            for (place, member) in members.enumerated() { results[member] = tallies.map { $0[place] } }
        }
        return results
    }

    /// Cross-entropies of a context's next tokens.
    /// - norms: the final norm's output clean, zero-ablated, mean-ablated, and with each subject spliced in.
    /// - Returns: a tally for each subject.
    private func tally(_ norms: [Tensor], _ context: TokenContext, firstRow: Int) -> [SpliceTally] {
        let vocabulary = model.configuration.vocabularySize
        var results = norms.dropFirst(3).map { _ in SpliceTally() }
        // Few rows at a time: a row of logits is large.
        let predicting = context.positions.filter { Int($0) + 1 < context.tokens.count }.map(Int.init)
        let logits = norms.map { _ in Tensor(16, vocabulary) }
        for start in stride(from: 0, to: predicting.count, by: 16) {
            let positions = predicting[start..<min(start + 16, predicting.count)]
            let rows = positions.map { firstRow + $0 }
            for (norm, out) in zip(norms, logits) { model.logits(norm.gathered(rows), into: out.rows(0..<rows.count)) }
            for (i, position) in positions.enumerated() {
                let target = Int(context.tokens[position + 1])
                let sums = logits.map { logSumExp($0[i], count: vocabulary) }
                let losses = zip(sums, logits).map { $0 - Double($1[i][target]) }
                for place in results.indices {
                    results[place].tokens += 1
                    results[place].clean += losses[0]
                    results[place].zero += losses[1]
                    results[place].mean += losses[2]
                    results[place].spliced += losses[3 + place]
                    results[place].divergence += divergence(
                        logits[0][i], sums[0], logits[3 + place][i], sums[3 + place], count: vocabulary)
                }
            }
        }
        return results
    }
}
