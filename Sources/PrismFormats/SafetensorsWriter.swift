import Foundation
import PrismCore
import PrismTensor

/// Writes a safetensors file: equal content gives equal bytes.
///
/// Tensors are laid out as the reference implementation does: the widest number types first, then by name, the header
/// padded with spaces to a multiple of 8, so that each number lies at a multiple of its size.
public struct SafetensorsWriter {
    private struct Item {
        let dtype: ElementType
        let shape: [Int]
        let byteCount: Int
        let write: (Output) throws -> Void
    }

    /// Takes a tensor's bytes, in order and in portions of any size.
    public struct Output {
        let handle: FileHandle
        let counter: Counter

        final class Counter { var bytes = 0 }

        public func write(_ bytes: UnsafeRawBufferPointer) throws {
            guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
            counter.bytes += bytes.count
            let view = UnsafeMutableRawPointer(mutating: base)
            try handle.write(contentsOf: Data(bytesNoCopy: view, count: bytes.count, deallocator: .none))
        }
    }

    private let metadata: [String: String]
    private var items: [String: Item] = [:]

    public init(metadata: [String: String] = [:]) { self.metadata = metadata }

    /// Adds a tensor whose bytes `body` writes when the file is written: row by row, never whole in memory.
    public mutating func add(_ name: String, _ dtype: ElementType, shape: [Int], body: @escaping (Output) throws -> Void) {
        precondition(items[name] == nil && name != "__metadata__", "the tensor ‘\(name)’ is there already")
        guard let size = checkedByteCount(shape, elementSize: dtype.byteCount) else {
            preconditionFailure("impossible shape \(shape)")
        }
        items[name] = Item(dtype: dtype, shape: shape, byteCount: size, write: body)
    }

    /// Adds a tensor as it is, or rounded to bfloat16, or widened to double precision.
    public mutating func add(_ name: String, _ tensor: Tensor, as dtype: ElementType = .f32) {
        switch dtype {
        case .f32:
            add(name, dtype, shape: tensor.shape) {
                try $0.write(UnsafeRawBufferPointer(start: tensor.data, count: 4 * tensor.count))
            }
        case .bf16: addConverted(name, tensor, dtype) { $0.brainBits.littleEndian }
        case .f64: addConverted(name, tensor, dtype) { Double($0).bitPattern.littleEndian }
        default: preconditionFailure("a tensor is written as F32, BF16 or F64, not \(dtype.rawValue)")
        }
    }

    private mutating func addConverted<T>(_ name: String, _ tensor: Tensor, _ dtype: ElementType, _ convert: @escaping (Float) -> T) {
        add(name, dtype, shape: tensor.shape) { output in
            let portion = 1 << 16
            for start in stride(from: 0, to: tensor.count, by: portion) {
                let numbers = (start..<min(start + portion, tensor.count)).map { convert(tensor.data[$0]) }
                try numbers.withUnsafeBytes(output.write)
            }
        }
    }

    public mutating func add(_ name: String, _ values: [Double], shape: [Int]) { add(name, .f64, shape, values) }
    public mutating func add(_ name: String, _ values: [Int64], shape: [Int]) { add(name, .i64, shape, values) }
    public mutating func add(_ name: String, _ values: [Int32], shape: [Int]) { add(name, .i32, shape, values) }
    public mutating func add(_ name: String, _ values: [UInt64], shape: [Int]) { add(name, .u64, shape, values) }
    public mutating func add(_ name: String, _ values: [UInt8], shape: [Int]) { add(name, .u8, shape, values) }

    private mutating func add<T: BitwiseCopyable & Sendable>(_ name: String, _ dtype: ElementType, _ shape: [Int], _ values: [T]) {
        precondition(values.count == shape.reduce(1, *), "\(values.count) values for shape \(shape)")
        add(name, dtype, shape: shape) { output in try values.withUnsafeBytes(output.write) }
    }

    /// - Throws: `PrismError.runFailed` if the file cannot be written; the old file is then still there.
    public func write(to url: URL) throws {
        let ordered = items.sorted { ($1.value.dtype.byteCount, $0.key) < ($0.value.dtype.byteCount, $1.key) }
        var members = metadata.isEmpty ? [] : [try "\"__metadata__\":" + Self.json(metadata)]
        var offset = 0
        for (name, item) in ordered {
            let shape = item.shape.map(String.init).joined(separator: ",")
            let range = "[\(offset),\(offset + item.byteCount)]"
            members.append(
                try "\(Self.json(name)):{\"dtype\":\"\(item.dtype.rawValue)\",\"shape\":[\(shape)],\"data_offsets\":\(range)}")
            offset += item.byteCount
        }
        var header = Data("{\(members.joined(separator: ","))}".utf8)
        header.append(Data(repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
        try Files.writeAtomically(to: url) { handle in
            try handle.write(contentsOf: withUnsafeBytes(of: UInt64(header.count).littleEndian) { Data($0) } + header)
            for (name, item) in ordered {
                let output = Output(handle: handle, counter: Output.Counter())
                try item.write(output)
                precondition(output.counter.bytes == item.byteCount, "‘\(name)’ wrote \(output.counter.bytes) of \(item.byteCount) bytes")
            }
        }
    }

    private static func json(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
