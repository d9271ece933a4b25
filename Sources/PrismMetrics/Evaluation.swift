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
        "l0", "fvu", "mse", "mse_per_dimension", "normalized_mse", "gamma", "cosine", "dead_fraction",
        "dense_fraction", "ce_clean", "ce_spliced", "ce_zero", "ce_mean", "delta_ce", "kl", "loss_recovered_zero",
        "loss_recovered_mean", "mcc", "mmcs", "f1", "precision", "recall", "uniqueness", "features_recovered",
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
        try dictionary.requireWidths(input: matrix.rowWidth, output: matrix.rowWidth, "the matrix")
        guard !groups.isEmpty else { throw PrismError.usage("there are no held-out vectors to evaluate on") }
        let tallies = workers.map(groups.count, by: 1) { _, index in
            let x = matrix.gathered(groups[index.lowerBound])
            return dictionary.tally(x, x)
        }
        self.init(ReconstructionMetrics(tallies, latentCount: dictionary.latentCount), splices: [])
    }

    /// On token contexts of a model: the reconstruction metrics, and what the model loses when the reconstruction takes
    /// the activation's place. One pass of the model serves all subjects. Positions that contexts leave out keep their
    /// activation everywhere.
    /// - hooks: what `sinks` looks at, all that the subjects read and write among them. Positions with a sink at any of
    ///   them are left out.
    /// - Returns: one evaluation for each subject.
    public static func measure(
        _ subjects: [Subject], in model: Transformer, hooks: [HookPoint], contexts: [TokenContext], sinks: SinkFilter,
        workers: Workers
    ) throws -> [Evaluation] {
        for subject in subjects { try subject.check(model) }
        guard !contexts.isEmpty else { throw PrismError.usage("there are no held-out contexts to evaluate on") }
        let progress = Progress("evaluating", total: (1 + subjects.count) * contexts.count, unit: "passes")
        // First the reconstruction, which also yields the mean that mean-ablation needs; then the splices.
        var tallies = subjects.map { _ in [ReconstructionTally]() }
        var used: [TokenContext] = []
        try forEachChunk(of: contexts) { chunk in
            let captured = try model.run(
                ForwardRequest(contexts: chunk.map(\.tokens), capture: hooks), workers: workers)
            let results = workers.map(chunk.count, by: 1) { _, range in
                let (context, rows) = captured.used(of: chunk[range.lowerBound], range.lowerBound, hooks, sinks)
                let tallies = subjects.map {
                    $0.dictionary.tally(captured.joined($0.reads, rows), captured.joined($0.writes, rows))
                }
                return (context, tallies)
            }
            used += results.map(\.0)
            for (_, parts) in results { for (i, tally) in parts.enumerated() { tallies[i].append(tally) } }
            progress.advance(by: chunk.count)
        }
        guard used.contains(where: { !$0.positions.isEmpty }) else { throw sinks.nothingLeft }
        let reconstructions = zip(subjects, tallies).map {
            ReconstructionMetrics($1, latentCount: $0.dictionary.latentCount)
        }
        let splicer = Splicer(subjects, means: reconstructions.map(\.mean), model, workers)
        var splices = subjects.map { _ in [SpliceTally]() }
        try forEachChunk(of: used) { chunk in
            for (i, parts) in try splicer.splice(chunk, progress).enumerated() { splices[i] += parts }
        }
        progress.finish()
        return zip(reconstructions, splices).map { Evaluation($0, splices: $1) }
    }

    /// Contexts of one pass: bounds the memory that captures take.
    private static func forEachChunk(of contexts: [TokenContext], _ body: ([TokenContext]) throws -> Void) throws {
        for start in stride(from: 0, to: contexts.count, by: 32) {
            try Interrupt.check()
            try body(Array(contexts[start..<min(start + 32, contexts.count)]))
        }
    }
}

/// A dictionary with the place it has in a model.
public struct Subject: Sendable {
    public let dictionary: SparseDictionary
    /// The hook points whose activations, side by side, it reads, and those it writes.
    public let reads, writes: [HookPoint]

    public init(_ dictionary: SparseDictionary, reads: [HookPoint], writes: [HookPoint]) {
        (self.dictionary, self.reads, self.writes) = (dictionary, reads, writes)
    }

    func check(_ model: Transformer) throws {
        func width(_ hooks: [HookPoint]) -> Int { hooks.reduce(0) { $0 + model.configuration.width(at: $1) } }
        try dictionary.requireWidths(
            input: width(reads), output: width(writes), (reads + writes).uniqued().map(\.name).joined(separator: ", "))
    }
}

extension SparseDictionary {
    /// - Throws: `PrismError.usage` if vectors of these widths are none that it reads and writes.
    package func requireWidths(input: Int, output: Int, _ what: String) throws {
        guard (width, outputWidth) == (input, output) else {
            let own = width == outputWidth ? "\(width)" : "\(width) and \(outputWidth)"
            let found = input == output ? "\(input)" : "\(input) and \(output)"
            throw PrismError.usage("the dictionary is for vectors of \(own) numbers, but \(what) has \(found)")
        }
    }

    /// - y: what the reconstruction of x stands for, [rows, output width].
    func tally(_ x: Tensor, _ y: Tensor) -> ReconstructionTally {
        let (codes, out) = (encode(x), Tensor(shape: y.shape))
        decode(codes, of: x, into: out)
        return ReconstructionTally(y, reconstruction: out, codes: codes)
    }
}

extension CapturedActivations {
    /// Some rows of several hook points, side by side, copied.
    package func joined(_ hooks: [HookPoint], _ rows: [Int]) -> Tensor {
        let result = Tensor(rows.count, hooks.reduce(0) { $0 + self[$1].rowWidth })
        for (i, row) in rows.enumerated() {
            var place = result[i]
            for hook in hooks {
                place.update(from: self[hook][row], count: self[hook].rowWidth)
                place += self[hook].rowWidth
            }
        }
        return result
    }

    /// A context without the positions that are sinks at any of `hooks`, and the captured rows of those it keeps.
    package func used(
        of context: TokenContext, _ index: Int, _ hooks: [HookPoint], _ sinks: SinkFilter
    ) -> (TokenContext, [Int]) {
        let first = rows(ofContext: index).lowerBound
        let vectors = joined(hooks, context.positions.map { first + Int($0) })
        let kept = context.positions.indices.filter { !sinks.contains(vectors[$0]) }.map { context.positions[$0] }
        return (
            TokenContext(
                tokens: context.tokens, document: context.document, offset: context.offset, positions: kept),
            kept.map { first + Int($0) }
        )
    }
}
