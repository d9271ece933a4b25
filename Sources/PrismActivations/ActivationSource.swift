import PrismCore
import PrismTensor

/// Vectors to train on, as one long sequence whose order is fixed and already mixed at the level of contexts.
public protocol ActivationSource: Sendable {
    /// Numbers in a vector.
    var width: Int { get }
    /// Vectors in the sequence.
    var vectorCount: Int { get }
    /// Reads vectors `range` of the sequence into rows of `out`, in order. The same range gives the same bytes always.
    func read(_ range: Range<Int>, into out: Tensor, workers: Workers, progress: (Int) throws -> Void) throws
}

/// Batches drawn from a source through a shuffle buffer.
///
/// **Mixing.** Generation g of the buffer holds vectors g·C ..< (g+1)·C of the source (which begins anew when it ends),
/// C = `capacity`. It is dealt out `passes` times, each time in a fresh uniformly random order, before the next generation
/// is read. So every batch is an even sample of C vectors that came from C / (context length) contexts in random order.
/// A vector longer than `normCeiling` (an attention sink) is replaced by its nearest predecessor in the buffer that is not.
/// All of it follows from the seed and the step, so a resumed run needs no state but its step.
public struct BatchStream {
    public let source: any ActivationSource
    public let batch: Int
    /// Vectors in the buffer; a multiple of the batch.
    public let capacity: Int
    public let passes: Int
    private let normCeiling: Float
    private let seed: UInt64
    private let workers: Workers
    private let buffer: Tensor
    private let output: Tensor
    private var order: [Int32] = []
    private var loadedGeneration: Int?
    private var orderedPass: (generation: Int, pass: Int)?

    /// Steps that use each vector `passes` times.
    public let steps: Int

    /// - capacity: the largest buffer to use; the source is read in equal generations that fit into it.
    /// - Throws: `PrismError.usage` if the source has fewer vectors than one batch.
    public init(
        _ source: any ActivationSource, batch: Int, capacity: Int, passes: Int, normCeiling: Float = .infinity,
        seed: UInt64,
        workers: Workers
    ) throws {
        guard source.vectorCount >= batch else {
            throw PrismError.usage(
                "there are only \(source.vectorCount) vectors to train on, which do not fill a batch of \(batch); give more or a smaller --batch"
            )
        }
        precondition(passes > 0 && batch > 0)
        let batches = source.vectorCount / batch
        let generations = (batches * batch + max(capacity, batch) - 1) / max(capacity, batch)
        self.source = source
        self.batch = batch
        self.capacity = max(1, batches / generations) * batch
        self.passes = passes
        self.normCeiling = normCeiling
        steps = generations * (self.capacity / batch) * passes
        self.seed = seed
        self.workers = workers
        buffer = Tensor(self.capacity, source.width)
        output = Tensor(batch, source.width)
    }

    private var stepsPerPass: Int { capacity / batch }

    /// Whether the batch of a step needs the source to be read first.
    public func needsRead(step: Int) -> Bool { step / (stepsPerPass * passes) != loadedGeneration }

    /// The batch of a step counted from 0. The tensor is reused by the next call.
    /// - progress: told how many vectors were just read from the source.
    public mutating func batch(step: Int, progress: (Int) throws -> Void = { _ in }) throws -> Tensor {
        let generation = step / (stepsPerPass * passes)
        if loadedGeneration != generation {
            try fill(generation, progress)
            loadedGeneration = generation
        }
        let pass = step / stepsPerPass % passes
        if orderedPass?.generation != generation || orderedPass?.pass != pass {
            var generator = SeededGenerator(seed: seed, stream: "shuffle \(generation) \(pass)")
            order = (0..<Int32(capacity)).shuffled(using: &generator)
            orderedPass = (generation, pass)
        }
        let first = step % stepsPerPass * batch
        for i in 0..<batch { output[i].update(from: buffer[Int(order[first + i])], count: source.width) }
        return output
    }

    private func fill(_ generation: Int, _ progress: (Int) throws -> Void) throws {
        var filled = 0
        while filled < capacity {
            let start = (generation * capacity + filled) % source.vectorCount
            let count = min(capacity - filled, source.vectorCount - start)
            try source.read(
                start..<start + count, into: buffer.rows(filled..<filled + count), workers: workers, progress: progress)
            filled += count
        }
        replaceSinks()
    }

    private func replaceSinks() {
        func isSink(_ row: Int) -> Bool { buffer.norm(ofRow: row) > normCeiling }
        guard normCeiling.isFinite, var last = (0..<capacity).first(where: { !isSink($0) }) else { return }
        for row in 0..<capacity {
            if isSink(row) { buffer[row].update(from: buffer[last], count: source.width) } else { last = row }
        }
    }
}

extension ActivationSource {
    /// The norm above which a vector counts as an attention sink: `multiple` times the median norm of those of
    /// the first vectors that are not zero.
    /// Such tokens (a context's first, sometimes its second or third) have a hundred times the norm of others; a dictionary
    /// would learn, and its metrics would measure, little else.
    public func normCeiling(multiple: Double, workers: Workers) throws -> Float {
        let sample = Tensor(min(4096, vectorCount), width)
        try read(0..<sample.rowCount, into: sample, workers: workers) { _ in }
        let norms = (0..<sample.rowCount).map { sample.norm(ofRow: $0) }.filter { $0 > 0 }.sorted()
        guard !norms.isEmpty else {
            throw PrismError.badData(
                "the first \(sample.rowCount) vectors are all zero; there is nothing to learn from them")
        }
        return Float(multiple) * norms[norms.count / 2]
    }
}

extension Tensor {
    /// Euclidean length of a row.
    package func norm(ofRow row: Int) -> Float {
        var square: Float = 0
        for c in 0..<rowWidth { square += self[row][c] * self[row][c] }
        return square.squareRoot()
    }
}
