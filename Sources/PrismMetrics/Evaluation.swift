import Algorithms
import PrismActivations
import PrismCore
import PrismDictionaries
import PrismModels
import PrismTensor

/// How well a dictionary stands in for the activations it was trained on, on data it never saw.
public struct Evaluation: Codable, Sendable {
    /// By the names that `ReconstructionMetrics`, `SpliceTally`, `FeatureMatching` and `DetectionTally` document.
    public internal(set) var metrics: [String: Estimate]
    /// Vectors measured; the intervals come from resampling the contexts.
    public let tokens, contexts: Int
    /// Share of the vectors on which each latent fired, [latents].
    public let density: [Double]

    /// The metrics' names in the order in which people read them.
    public static let order = [
        "l0", "fvu", "mse", "mse_per_dimension", "normalized_mse", "gamma", "cosine", "dead_fraction", "dense_fraction",
        "ce_clean",
        "ce_spliced", "ce_zero", "ce_mean", "delta_ce", "kl", "loss_recovered_zero", "loss_recovered_mean",
        "mcc", "mmcs", "f1", "precision", "recall", "uniqueness", "features_recovered",
    ]

    private init(_ reconstruction: ReconstructionMetrics, splices: [SpliceTally]) {
        let bootstrap = Bootstrap(contexts: reconstruction.tallies.count)
        var metrics = reconstruction.estimates(bootstrap)
        if !splices.isEmpty { metrics.merge(SpliceTally.estimates(splices, bootstrap)) { $1 } }
        self.metrics = metrics
        tokens = reconstruction.vectorCount
        contexts = reconstruction.tallies.count
        density = reconstruction.firings.map { Double($0) / Double(max(1, reconstruction.vectorCount)) }
    }

    /// On a matrix alone, without a model: the reconstruction metrics.
    /// - groups: rows that belong together, as tokens of a context do; resampled as wholes.
    public init(of dictionary: SparseDictionary, on matrix: Tensor, groups: [[Int]], workers: Workers) throws {
        try Self.check(dictionary, width: matrix.rowWidth, "the matrix")
        guard !groups.isEmpty else { throw PrismError.usage("there are no held-out vectors to evaluate on") }
        let tallies = Self.parallel(groups.count, workers) { index in
            Self.tally(matrix.gathered(groups[index]), dictionary)
        }
        self.init(ReconstructionMetrics(tallies, latentCount: dictionary.latentCount), splices: [])
    }

    /// On token contexts of a model: the reconstruction metrics, and what the model loses when the reconstruction takes
    /// the activation's place. Positions that contexts leave out keep their activation everywhere.
    /// - normCeiling: positions with a longer activation (attention sinks) are left out too.
    public init(
        of dictionary: SparseDictionary, in model: Transformer, hook: HookPoint, contexts: [TokenContext],
        normCeiling: Float = .infinity, workers: Workers
    ) throws {
        try Self.check(dictionary, width: model.configuration.width(at: hook), "\(hook)")
        guard !contexts.isEmpty else { throw PrismError.usage("there are no held-out contexts to evaluate on") }
        let progress = Progress("evaluating", total: 2 * contexts.count, unit: "contexts")
        // First the reconstruction, which also yields the mean that mean-ablation needs; then the splices.
        var tallies: [ReconstructionTally] = []
        var used: [TokenContext] = []
        try Self.forEachChunk(of: contexts) { chunk in
            let captured = try model.run(
                ForwardRequest(contexts: chunk.map(\.tokens), capture: [hook]), workers: workers)
            let results = Self.parallel(chunk.count, workers) { index in
                let context = chunk[index].usedPositions(
                    captured[hook].rows(captured.rows(ofContext: index)), below: normCeiling)
                let x = captured[hook].gathered(captured.rows(of: context, inContext: index))
                return (context, Self.tally(x, dictionary))
            }
            used += results.map(\.0)
            tallies += results.map(\.1)
            progress.advance(by: chunk.count)
        }
        let reconstruction = ReconstructionMetrics(tallies, latentCount: dictionary.latentCount)
        let mean = Tensor(shape: [dictionary.width], reconstruction.mean.map(Float.init))
        var splices: [SpliceTally] = []
        try Self.forEachChunk(of: used) { chunk in
            splices += try Self.splice(dictionary, model, hook, chunk, mean, workers)
            progress.advance(by: chunk.count)
        }
        progress.finish()
        self.init(reconstruction, splices: splices)
    }

    static func check(_ dictionary: SparseDictionary, width: Int, _ what: String) throws {
        guard dictionary.width == width else {
            throw PrismError.usage(
                "the dictionary is for vectors of \(dictionary.width) numbers, but \(what) has \(width)")
        }
    }

    /// Contexts of one pass: bounds the memory that captures take.
    private static func forEachChunk(of contexts: [TokenContext], _ body: ([TokenContext]) throws -> Void) throws {
        for start in stride(from: 0, to: contexts.count, by: 32) {
            try Interrupt.check()
            try body(Array(contexts[start..<min(start + 32, contexts.count)]))
        }
    }

    private static func tally(_ x: Tensor, _ dictionary: SparseDictionary) -> ReconstructionTally {
        let (codes, out) = (dictionary.encode(x), Tensor(shape: x.shape))
        dictionary.decode(codes, of: x, into: out)
        return ReconstructionTally(x, reconstruction: out, codes: codes)
    }

    /// Runs the model four times, three of them from the hook on, and compares the predictions.
    private static func splice(
        _ dictionary: SparseDictionary, _ model: Transformer, _ hook: HookPoint, _ chunk: [TokenContext],
        _ mean: Tensor,
        _ workers: Workers
    ) throws -> [SpliceTally] {
        let tokens = chunk.map(\.tokens)
        let last = HookPoint.residualPost(layer: model.configuration.layerCount - 1)
        let start = hook.isResidual ? hook : hook.layer.map { .residualPre(layer: $0) } ?? last
        let needed = [start] + [hook, .finalNorm].uniqued().filter { $0 != start }
        let clean = try model.run(ForwardRequest(contexts: tokens, capture: needed), workers: workers)
        func replaced(_ replace: @escaping @Sendable (_ rows: Tensor) -> Void) throws -> Tensor {
            let intervention = Intervention(at: hook) { activation, contexts in
                for context in contexts {
                    let rows = chunk[context.index].positions.map { context.rows.lowerBound + Int($0) }
                    let x = activation.gathered(rows)
                    replace(x)
                    for (i, row) in rows.enumerated() { activation[row].update(from: x[i], count: x.rowWidth) }
                }
            }
            let request = ForwardRequest(
                contexts: tokens, capture: [.finalNorm], interventions: [intervention],
                start: .init(at: start, clean[start]))
            return try model.run(request, workers: workers)[.finalNorm]
        }
        let variants = [
            try replaced { x in dictionary.decode(dictionary.encode(x), of: x.copy(), into: x) },
            try replaced { $0.fill(0) },
            try replaced { x in for t in 0..<x.rowCount { x[t].update(from: mean.data, count: x.rowWidth) } },
        ]
        let norms = [clean[.finalNorm]] + variants
        return parallel(chunk.count, workers) { index in
            tally(model, norms, chunk[index], firstRow: clean.rows(ofContext: index).lowerBound)
        }
    }

    /// Cross-entropies of a context's next tokens under the clean pass and the three variants.
    private static func tally(_ model: Transformer, _ norms: [Tensor], _ context: TokenContext, firstRow: Int)
        -> SpliceTally
    {
        let vocabulary = model.configuration.vocabularySize
        var result = SpliceTally()
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
                result.tokens += 1
                result.clean += losses[0]
                result.spliced += losses[1]
                result.zero += losses[2]
                result.mean += losses[3]
                result.divergence += divergence(logits[0][i], sums[0], logits[1][i], sums[1], count: vocabulary)
            }
        }
        return result
    }

    /// Maps indices on the workers, results in order.
    private static func parallel<R>(_ count: Int, _ workers: Workers, _ body: (Int) -> R) -> [R] {
        var results = [R?](repeating: nil, count: count)
        results.withUnsafeMutableBufferPointer { results in
            nonisolated(unsafe) let results = results
            workers.forEachBlock(count) { _, index in results[index] = body(index) }
        }
        return results.map { $0! }
    }
}

extension Tensor {
    /// Some rows, copied.
    package func gathered(_ rows: [Int]) -> Tensor {
        let result = Tensor(rows.count, rowWidth)
        for (i, row) in rows.enumerated() { result[i].update(from: self[row], count: rowWidth) }
        return result
    }
}

extension CapturedActivations {
    /// The captured rows of the positions that a context uses.
    package func rows(of context: TokenContext, inContext index: Int) -> [Int] {
        context.positions.map { rows(ofContext: index).lowerBound + Int($0) }
    }
}

extension TokenContext {
    /// The context with only those positions whose activation is no longer than `ceiling`.
    /// - activations: of all its tokens, [tokens, width].
    package func usedPositions(_ activations: Tensor, below ceiling: Float) -> TokenContext {
        TokenContext(
            tokens: tokens, document: document,
            positions: positions.filter { activations.norm(ofRow: Int($0)) <= ceiling })
    }
}
