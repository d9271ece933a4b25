import PrismCore
import PrismTensor

/// Vectors to train on, as one long sequence whose order is fixed and already mixed at the level of contexts.
public protocol ActivationSource: Sendable {
    /// Numbers at each hook point; a vector holds them side by side.
    var widths: [Int] { get }
    /// Vectors in the sequence.
    var vectorCount: Int { get }
    /// Reads vectors `range` of the sequence into rows of `out`, in order. The same range gives the same bytes always.
    func read(_ range: Range<Int>, into out: Tensor, workers: Workers, progress: (Int) throws -> Void) throws
}

extension ActivationSource {
    /// Numbers in a vector.
    public var width: Int { widths.reduce(0, +) }
}

/// - vector: its place in the sequence.
func notFinite(vector: Int) -> PrismError {
    .badData(
        "vector \(vector) of the training data holds a number that is not finite; "
            + "the model's weights or the file it comes from are damaged: fetch or write them again")
}

/// Batches drawn from a source through a shuffle buffer.
///
/// **Mixing.** Generation g of the buffer holds vectors g·C ..< (g+1)·C of the source (which begins anew when it ends),
/// C = `capacity`. It is dealt out `passes` times, each time in a fresh uniformly random order, before the next generation
/// is read. So every batch is an even sample of C vectors that came from C / (context length) contexts in random order.
/// An attention sink is replaced by its nearest predecessor in the buffer that is none.
/// All of it follows from the seed and the step, so a resumed run needs no state but its step.
public struct BatchStream {
    public let source: any ActivationSource
    public let batch: Int
    public let plan: Plan
    public let passes: Int
    private let sinks: SinkFilter
    private let seed: UInt64
    private let workers: Workers
    private let buffer: Tensor
    private let output: Tensor
    private var order: [Int32] = []
    private var loadedGeneration: Int?
    private var orderedPass: (generation: Int, pass: Int)?

    /// How a source is cut into batches.
    public struct Plan: Sendable {
        /// Vectors in the buffer; a multiple of the batch.
        public let capacity: Int
        /// Steps that use each vector as often as there are passes.
        public let steps: Int

        /// - capacity: the largest buffer to use; the source is read in equal generations that fit into it.
        /// - Throws: `PrismError.usage` if there are fewer vectors than one batch.
        public init(vectors: Int, batch: Int, capacity: Int, passes: Int) throws {
            guard vectors >= batch else {
                throw PrismError.usage(
                    "there are only \(vectors) vectors to train on, which do not fill a batch of \(batch); give more or a smaller --batch"
                )
            }
            precondition(passes > 0 && batch > 0)
            let batches = vectors / batch
            let generations = (batches * batch + max(capacity, batch) - 1) / max(capacity, batch)
            self.capacity = max(1, batches / generations) * batch
            steps = generations * (self.capacity / batch) * passes
        }
    }

    /// - capacity: the largest buffer to use.
    /// - Throws: `PrismError.usage` if the source has fewer vectors than one batch.
    public init(
        _ source: any ActivationSource, batch: Int, capacity: Int, passes: Int, sinks: SinkFilter, seed: UInt64,
        workers: Workers
    ) throws {
        let plan = try Plan(vectors: source.vectorCount, batch: batch, capacity: capacity, passes: passes)
        self.source = source
        self.batch = batch
        self.plan = plan
        self.passes = passes
        self.sinks = sinks
        self.seed = seed
        self.workers = workers
        buffer = Tensor(plan.capacity, source.width)
        output = Tensor(batch, source.width)
    }

    private var capacity: Int { plan.capacity }
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

    /// The vectors of the generation that the last batch came from, without sinks, [capacity, width]; until the next is read.
    public var generation: Tensor { buffer }

    private func fill(_ generation: Int, _ progress: (Int) throws -> Void) throws {
        var filled = 0
        while filled < capacity {
            let start = (generation * capacity + filled) % source.vectorCount
            let count = min(capacity - filled, source.vectorCount - start)
            try source.read(
                start..<start + count, into: buffer.rows(filled..<filled + count), workers: workers, progress: progress)
            if let row = (filled..<filled + count).first(where: { !buffer.norm(ofRow: $0).isFinite }) {
                throw notFinite(vector: start + row - filled)
            }
            filled += count
        }
        replaceSinks()
    }

    private func replaceSinks() {
        guard var last = (0..<capacity).first(where: { !sinks.contains(buffer[$0]) }) else { return }
        for row in 0..<capacity {
            if sinks.contains(buffer[row]) {
                buffer[row].update(from: buffer[last], count: source.width)
            } else {
                last = row
            }
        }
    }
}
