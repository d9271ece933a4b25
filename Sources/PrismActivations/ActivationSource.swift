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
/// All of it follows from the seed and the step, so a resumed run needs no state but its step.
public struct BatchStream {
    public let source: any ActivationSource
    public let batch: Int
    /// Vectors in the buffer; a multiple of the batch.
    public let capacity: Int
    public let passes: Int
    private let seed: UInt64
    private let workers: Workers
    private let buffer: Tensor
    private let output: Tensor
    private var order: [Int32] = []
    private var loadedGeneration: Int?
    private var orderedPass: (generation: Int, pass: Int)?

    /// - capacity: wished size of the buffer; made a multiple of the batch and no larger than what `steps` need.
    /// - Throws: `PrismError.usage` if the source has fewer vectors than one batch.
    public init(
        _ source: any ActivationSource, batch: Int, steps: Int, capacity: Int, passes: Int, seed: UInt64, workers: Workers
    ) throws {
        guard source.vectorCount >= batch else {
            throw PrismError.usage(
                "a batch of \(batch) vectors needs more than the \(source.vectorCount) there are; give more text or a smaller batch")
        }
        guard passes > 0 else { throw PrismError.usage("passes must be positive, not \(passes)") }
        let needed = (steps + passes - 1) / passes
        self.source = source
        self.batch = batch
        self.capacity = max(1, min(needed, min(capacity, source.vectorCount) / batch)) * batch
        self.passes = passes
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
    }
}
