import Foundation
import Synchronization

/// A row-major block of fp32 numbers.
///
/// A tensor refers to its memory: copies and `rows` views share it, and operations write into tensors that the caller
/// allocated once. Memory is aligned to 64 bytes and starts as zeros.
///
/// Sendable without locks because whoever writes a tensor from several threads gives each thread rows of its own.
public struct Tensor: @unchecked Sendable {
    public let shape: [Int]
    public let data: UnsafeMutablePointer<Float>
    private let owner: AnyObject

    public init(_ shape: Int...) { self.init(shape: shape) }

    public init(shape: [Int]) {
        precondition(shape.allSatisfy { $0 >= 0 }, "negative dimension in \(shape)")
        let memory = Memory(byteCount: shape.reduce(MemoryLayout<Float>.stride, *))
        self.init(shape: shape, data: memory.start.assumingMemoryBound(to: Float.self), owner: memory)
    }

    public init(shape: [Int], _ values: [Float]) {
        self.init(shape: shape)
        precondition(values.count == count, "\(values.count) values for shape \(shape)")
        values.withUnsafeBufferPointer { if let base = $0.baseAddress { data.update(from: base, count: count) } }
    }

    /// A tensor over memory that `owner` keeps alive, for example a mapped file.
    package init(shape: [Int], data: UnsafeMutablePointer<Float>, owner: AnyObject) {
        self.shape = shape
        self.data = data
        self.owner = owner
    }

    public var count: Int { shape.reduce(1, *) }
    /// The first dimension.
    public var rowCount: Int { shape[0] }
    /// Numbers in a row: the product of all dimensions but the first.
    public var rowWidth: Int { shape.dropFirst().reduce(1, *) }

    public subscript(row: Int) -> UnsafeMutablePointer<Float> { data + row * rowWidth }

    /// A view of some rows, sharing the memory.
    public func rows(_ range: Range<Int>) -> Tensor {
        precondition(range.lowerBound >= 0 && range.upperBound <= rowCount, "rows \(range) of \(rowCount)")
        return Tensor(shape: [range.count] + shape.dropFirst(), data: self[range.lowerBound], owner: owner)
    }

    /// The same memory under another shape.
    public func reshaped(_ shape: Int...) -> Tensor {
        precondition(shape.reduce(1, *) == count, "\(self.shape) cannot become \(shape)")
        return Tensor(shape: shape, data: data, owner: owner)
    }

    public var values: [Float] { Array(UnsafeBufferPointer(start: data, count: count)) }

    /// The memory as 32-bit words, for layouts that are not fp32 numbers.
    package func withWords<R>(_ body: (UnsafeMutablePointer<UInt32>) -> R) -> R {
        data.withMemoryRebound(to: UInt32.self, capacity: count, body)
    }

    public func copy() -> Tensor {
        let result = Tensor(shape: shape)
        result.data.update(from: data, count: count)
        return result
    }

    /// Takes over the numbers of a tensor of the same shape. (Its `data` alone would not keep a temporary alive.)
    public func update(from other: Tensor) {
        precondition(other.shape == shape, "\(other.shape) into \(shape)")
        withExtendedLifetime(other) { data.update(from: other.data, count: count) }
    }

    public func fill(_ value: Float) { data.update(repeating: value, count: count) }
}

/// Zeroed memory aligned to 64 bytes (a cache line, the widest vector); freed with the object.
///
/// Some of what is freed is kept for the next of the same size: the system takes longer to hand out fresh pages than
/// arithmetic takes on them.
package final class Memory {
    package let start: UnsafeMutableRawPointer
    package let byteCount: Int

    private struct Kept: @unchecked Sendable {  // Guarded by the mutex.
        var bySize: [Int: [UnsafeMutableRawPointer]] = [:]
        var byteCount = 0
    }

    private static let kept = Mutex(Kept())
    /// What is kept at least and at most, the latter of all together.
    private static let (leastKept, mostKept) = (1 << 17, 1 << 28)

    package init(byteCount: Int) {
        self.byteCount = byteCount
        let known =
            byteCount < Self.leastKept
            ? nil
            : Self.kept.withLock { kept in
                let address = kept.bySize[byteCount]?.popLast().map { UInt(bitPattern: $0) }
                if address != nil { kept.byteCount -= byteCount }
                return address
            }
        if let known = known.flatMap({ UnsafeMutableRawPointer(bitPattern: $0) }) {
            memset(known, 0, byteCount)
            start = known
            return
        }
        var memory: UnsafeMutableRawPointer?
        let status = posix_memalign(&memory, byteCount >= 1 << 21 ? 1 << 21 : 64, max(byteCount, 1))
        guard status == 0, let memory else { fatalError("out of memory: \(byteCount) bytes cannot be had") }
        #if os(Linux)
            // Huge pages: the big matrices are walked in strides that small pages' TLB cannot hold.
            if byteCount >= 1 << 21 { madvise(memory, byteCount, MADV_HUGEPAGE) }
        #endif
        memset(memory, 0, byteCount)
        start = memory
    }

    deinit {
        let address = UInt(bitPattern: start)
        let isKept =
            byteCount >= Self.leastKept
            && Self.kept.withLock { kept in
                guard kept.byteCount + byteCount <= Self.mostKept else { return false }
                kept.byteCount += byteCount
                kept.bySize[byteCount, default: []].append(UnsafeMutableRawPointer(bitPattern: address)!)
                return true
            }
        if !isKept { free(start) }
    }
}
