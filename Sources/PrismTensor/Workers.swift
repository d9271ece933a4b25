import CPrismKernels
import Dispatch
import Foundation
import Synchronization

/// Splits work into blocks and runs them on a fixed number of threads.
///
/// Which thread takes which block is left to chance; what a block computes must not depend on it. Callers keep block sizes
/// independent of `count` and combine partial results in block order, so one thread and two give the same bytes.
public struct Workers: Sendable {
    /// Threads used; at least 1.
    public let count: Int

    public init(count: Int = ProcessInfo.processInfo.activeProcessorCount) {
        precondition(count > 0)
        self.count = count
    }

    /// Calls `body(worker, block)` once for each block in `0 ..< blockCount`; `worker` (below `count`) names the thread, for
    /// scratch memory of its own.
    ///
    /// Denormal numbers count as zero inside: moments of latents that stay silent would end there, where processors crawl.
    public func forEachBlock(_ blockCount: Int, _ body: (_ worker: Int, _ block: Int) -> Void) {
        if count == 1 || blockCount <= 1 {
            let before = prism_flush_denormals()
            for block in 0..<blockCount { body(0, block) }
            return prism_restore_denormals(before)
        }
        let next = Atomic<Int>(0)
        // Sendable by this call's shape: the closure does not outlive it, and callers give each block memory of its own.
        nonisolated(unsafe) let body = body
        DispatchQueue.concurrentPerform(iterations: min(count, blockCount)) { worker in
            let before = prism_flush_denormals()
            while case let block = next.add(1, ordering: .relaxed).oldValue, block < blockCount { body(worker, block) }
            prism_restore_denormals(before)
        }
    }

    /// Calls `body(worker, range)` for consecutive ranges of at most `size` that cover `0 ..< total`.
    public func forEachRange(_ total: Int, by size: Int, _ body: (_ worker: Int, _ range: Range<Int>) -> Void) {
        forEachBlock((total + size - 1) / size) { worker, block in
            body(worker, block * size..<min(total, (block + 1) * size))
        }
    }

    /// The results of `body(worker, range)` for consecutive ranges of at most `size` that cover `0 ..< total`, in order.
    /// - Throws: the error of the first range that has one, after all have run.
    public func map<Value, Failure: Error>(
        _ total: Int, by size: Int, _ body: (_ worker: Int, _ range: Range<Int>) throws(Failure) -> Value
    ) throws(Failure) -> [Value] {
        var results = [Result<Value, Failure>?](repeating: nil, count: (total + size - 1) / size)
        results.withUnsafeMutableBufferPointer { results in
            nonisolated(unsafe) let results = results
            forEachRange(total, by: size) { worker, range in
                do throws(Failure) {
                    results[range.lowerBound / size] = .success(try body(worker, range))
                } catch {
                    results[range.lowerBound / size] = .failure(error)
                }
            }
        }
        var values: [Value] = []
        for result in results { values.append(try result!.get()) }
        return values
    }
}
