import Foundation
import PrismCore
import PrismTensor

/// The bytes of a file at a fixed address, for as long as the object lives: mapped, so that opening costs no copy.
///
/// Sendable because nothing writes to the bytes after `init`.
package final class FileBytes: @unchecked Sendable {
    /// The file, as error messages name it.
    package let name: String
    package let buffer: UnsafeRawBufferPointer
    private let owner: Any

    package convenience init(_ url: URL) throws {
        self.init(try Files.read(url), name: url.path)
    }

    package init(_ data: Data, name: String) {
        self.name = name
        // Small data may lie inside the `Data` value itself, at no fixed address; a large one keeps its storage.
        if data.count < 1 << 14 {
            let memory = Memory(byteCount: data.count)
            data.withUnsafeBytes {
                if let base = $0.baseAddress { memory.start.copyMemory(from: base, byteCount: $0.count) }
            }
            buffer = UnsafeRawBufferPointer(start: memory.start, count: data.count)
            owner = memory
        } else {
            buffer = data.withUnsafeBytes { $0 }
            owner = data
        }
    }

    /// A part of a file as a file of its own, not copied.
    package init(_ whole: FileBytes, _ range: Range<Int>, name: String) {
        self.name = name
        buffer = UnsafeRawBufferPointer(rebasing: whole.buffer[range])
        owner = whole
    }

    package var count: Int { buffer.count }

    /// A little-endian number at any address within the bytes.
    package func integer<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: T.Type = T.self) -> T {
        precondition(offset >= 0 && offset + MemoryLayout<T>.size <= count)
        return T(littleEndian: buffer.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    /// A copy of some bytes.
    package func data(_ range: Range<Int>) -> Data {
        withExtendedLifetime(self) { Data(buffer[range]) }
    }

    /// An fp32 tensor of the numbers in `range`; fp32 numbers at an aligned address are not copied.
    /// - shape: its product times the element's size must be the range's length.
    package func tensor(_ type: ElementType, _ range: Range<Int>, shape: [Int]) -> Tensor {
        precondition(range.count == shape.reduce(type.byteCount, *), "\(range.count) bytes for \(type) \(shape)")
        let start = buffer.baseAddress! + range.lowerBound
        if type == .f32, Int(bitPattern: start) % MemoryLayout<Float>.alignment == 0 {
            let numbers = UnsafeMutableRawPointer(mutating: start).assumingMemoryBound(to: Float.self)
            return Tensor(shape: shape, data: numbers, owner: self)
        }
        return withExtendedLifetime(self) {
            let result = Tensor(shape: shape)
            type.convert(start, count: result.count, to: result.data)
            return result
        }
    }

    /// An error about this file. - problem: what is where, what was expected and found. - remedy: what to do.
    package func problem(_ problem: String, remedy: String = "the file is damaged: fetch or write it again")
        -> PrismError
    {
        .badData("\(name): \(problem); \(remedy)")
    }
}

/// The product of dimensions and an element size; nil if a dimension is negative or the product does not fit an `Int`.
package func checkedByteCount(_ shape: [Int], elementSize: Int) -> Int? {
    var total = elementSize
    for dimension in shape {
        // A zero must not hide other dimensions, whose product alone would overflow later.
        let (product, overflow) = total.multipliedReportingOverflow(by: max(dimension, 1))
        if dimension < 0 || overflow { return nil }
        total = product
    }
    return shape.contains(0) ? 0 : total
}
