import Algorithms
import Foundation
import PrismCore
import PrismModels
import PrismTensor

/// The rows of a graph's weights, as far as they are known.
struct GraphBuilder {
    private let replacement: LocalReplacement
    private let logits: [LogitTarget]
    private let sources: SourceVectors
    private let passes: FrozenPasses
    private let workers: Workers
    /// [capacity, sources]
    private let weights: Tensor
    /// The node that each row leads to, in the order in which they were found.
    private var nodes: [Int] = []
    private var remainders: [Double] = []
    private var values: [Double] = []

    /// - featureLimit: the most features that will be traced.
    init(_ replacement: LocalReplacement, _ logits: [LogitTarget], featureLimit: Int, workers: Workers) throws {
        (self.replacement, self.logits, self.workers) = (replacement, logits, workers)
        sources = SourceVectors(replacement)
        weights = Tensor(featureLimit + logits.count, sources.count)
        passes = try FrozenPasses(replacement, copies: max(featureLimit, logits.count), workers: workers)
    }

    mutating func traceLogits() {
        trace(logits.enumerated().map { (sources.count + $0, replacement.target($1)) })
    }

    mutating func trace(features: [Int]) {
        trace(features.map { ($0, replacement.target(replacement.features[$0])) })
    }

    /// The features, not traced yet, through which most of the influence goes that is known so far.
    func mostInfluential(_ count: Int) -> [Int] {
        let known = weights.rows(0..<nodes.count)
        let influence = Influence(known, nodes: nodes, logitWeights: logits.map(\.probability)).ofNodes
        let traced = Set(nodes)
        let left = replacement.features.indices.filter { !traced.contains($0) }
        return left.sorted { (-influence[$0], $0) < (-influence[$1], $1) }.prefix(count).sorted()
    }

    /// - found: targets and their nodes; those that read one hook point side by side.
    private mutating func trace(_ found: [(node: Int, target: GraphTarget)]) {
        let (firstRow, targets) = (nodes.count, found.map(\.target))
        nodes += found.map(\.node)
        values += targets.map(\.value)
        let groups = targets.indices.chunked { targets[$0].hook == targets[$1].hook }.flatMap {
            $0.chunks(ofCount: passes.copies)
        }
        remainders += workers.map(groups.count, by: 1) { worker, group -> [Double] in
            let own = groups[group.lowerBound]
            let out = weights.rows(firstRow + own.lowerBound..<firstRow + own.upperBound)
            return trace(Array(targets[own]), into: out, worker: worker)
        }.flatMap(\.self)
    }

    /// - out: [targets, sources]. - Returns: what sources and the transcoders' biases do not account for in each value.
    private func trace(_ targets: [GraphTarget], into out: Tensor, worker: Int) -> [Double] {
        let hook = targets[0].hook
        let gradients = passes.gradients(
            of: targets.map { ($0.position, $0.row) }, at: hook, worker: worker)
        var remainders = targets.map { $0.value - Double($0.constant) }
        // What lies behind a target adds nothing to it.
        for place in sources.places where (place.hook.layer ?? -1) < (hook.layer ?? .max) {
            let slopes = gradients[place.hook]!.gathered(
                targets.indices.map { $0 * replacement.tokens.count + place.position })
            let effects = Tensor(targets.count, place.vectors.rowCount)
            replacement.model.backend.multiply(slopes, by: place.vectors, transposed: true, into: effects)
            for i in targets.indices {
                for (column, source) in place.sources.enumerated() {
                    let effect = effects[i][column]
                    remainders[i] -= Double(effect)
                    if let source { out[i][source] += effect }
                }
            }
        }
        return remainders
    }

    /// The graph of the features that were traced.
    var graph: AttributionGraph {
        let features = nodes.filter { $0 < replacement.features.count }.sorted()
        let columns = features + (replacement.features.count..<sources.count)
        let rows = nodes.indices.sorted { nodes[$0] < nodes[$1] }
        let kept = Tensor(rows.count, columns.count)
        for (i, row) in rows.enumerated() {
            let (out, all) = (kept[i], weights[row])
            for (j, column) in columns.enumerated() { out[j] = all[column] }
        }
        return AttributionGraph(
            tokens: replacement.tokens, layerCount: replacement.errors.count,
            activeCount: replacement.features.count,
            features: features.map { replacement.features[$0] }, logits: logits, weights: kept,
            remainders: rows.map { remainders[$0] }, values: rows.map { values[$0] })
    }
}

extension AttributionGraph {
    /// Features that are traced before the next are chosen by what is known then.
    private static let roundSize = 1024

    /// Goes back from the logits, then from features: from all, or, where they are more than the limit, in rounds from those
    /// through which most of the influence goes by what is known so far.
    /// - featureLimit: the most features in the graph. memoryLimit: bytes that their edges from all sources may take.
    /// - Throws: `PrismError.usage` for edges that take more; as a pass of the model, and when interrupted.
    public init(
        _ replacement: LocalReplacement, featureLimit: Int = 7500,
        memoryLimit: UInt64 = ProcessInfo.processInfo.physicalMemory / 2, workers: Workers
    ) throws {
        let logits = LogitTarget.chosen(replacement.lastNorm, replacement.model, workers: workers)
        let limit = min(featureLimit, replacement.features.count)
        let sources = replacement.features.count + (replacement.errors.count + 1) * replacement.tokens.count
        let bytes = (limit + logits.count) * sources * MemoryLayout<Float>.size
        guard bytes <= memoryLimit else {
            throw PrismError.usage(
                "edges from \(sources) sources to \(limit) features take \(bytes / 1_000_000) MB, where \(memoryLimit / 1_000_000) are to be had; lower --max-features or give a shorter prompt"
            )
        }
        var builder = try GraphBuilder(replacement, logits, featureLimit: limit, workers: workers)
        builder.traceLogits()
        let progress = Progress("tracing features", total: limit, unit: "features")
        for first in stride(from: 0, to: limit, by: Self.roundSize) {
            try Interrupt.check()
            let round = builder.mostInfluential(min(Self.roundSize, limit - first))
            builder.trace(features: round)
            progress.advance(by: round.count)
        }
        progress.finish()
        self = builder.graph
    }
}
