import Foundation
import PrismCore
import PrismTensor

/// A safetensors file, mapped into memory.
///
/// Layout (huggingface/safetensors): u64 little-endian length of the header; the header, a JSON object
/// `{name: {dtype, shape, data_offsets: [begin, end]}, "__metadata__": {string: string}}`; the data, where the offsets
/// count from. Ranges cover the data without gap or overlap.
public struct SafetensorsFile: Sendable {
    /// Where a tensor lies.
    public struct Entry: Sendable, Hashable {
        public let dtype: ElementType
        /// Dimensions, outermost first; empty for a single number.
        public let shape: [Int]
        /// Bytes from the start of the file.
        public let range: Range<Int>
    }

    public let metadata: [String: String]
    public let tensors: [String: Entry]
    private let file: FileBytes

    /// The format's own limit for the header, in bytes.
    static let largestHeader = 100_000_000

    /// Reads and checks the header.
    /// - Throws: `PrismError.badData` that names the file, the tensor, what was expected and what was found.
    public init(_ url: URL) throws { try self.init(FileBytes(url)) }

    package init(_ file: FileBytes) throws {
        self.file = file
        guard file.count >= 8 else {
            throw file.problem("a safetensors file has at least 8 bytes, found \(file.count)")
        }
        let length = UInt64(littleEndian: file.buffer.loadUnaligned(as: UInt64.self))
        guard length <= Self.largestHeader, length <= file.count - 8 else {
            let limit = min(Self.largestHeader, file.count - 8)
            throw file.problem(
                "the header is said to have \(length) bytes; at most \(limit) are possible",
                remedy: "it is not a safetensors file or it is cut short")
        }
        let start = 8 + Int(length)
        guard length > 0, file.buffer[8] == UInt8(ascii: "{"), let members = try JSONValue(file, 8..<start).object
        else {
            throw file.problem("the header must be a JSON object", remedy: "it is not a safetensors file")
        }
        var metadata: [String: String] = [:]
        var tensors: [String: Entry] = [:]
        for member in members {
            if member.key == "__metadata__" {
                metadata = try Self.metadata(member.value, file)
            } else {
                let entry = try Self.entry(member.key, member.value, dataStart: start, file)
                guard tensors.updateValue(entry, forKey: member.key) == nil else {
                    throw file.problem("the tensor ‘\(member.key)’ occurs twice")
                }
            }
        }
        self.metadata = metadata
        self.tensors = tensors

        func place(_ entry: Entry) -> (Int, Int) { (entry.range.lowerBound, entry.range.upperBound) }
        var end = start
        for (name, entry) in tensors.sorted(by: { place($0.value) < place($1.value) }) {
            guard entry.range.lowerBound == end else {
                let found = entry.range.lowerBound - start
                throw file.problem(
                    "tensor ‘\(name)’ begins at data byte \(found), expected \(end - start), without gap or overlap")
            }
            end = entry.range.upperBound
        }
        guard end == file.count else {
            throw file.problem("the tensors have \(end - start) bytes, the file holds \(file.count - start)")
        }
    }

    private static func metadata(_ value: JSONValue, _ file: FileBytes) throws -> [String: String] {
        var result: [String: String] = [:]
        for member in value.object ?? [] {
            guard let text = member.value.string else {
                throw file.problem("__metadata__ ‘\(member.key)’ is not a string")
            }
            result[member.key] = text
        }
        guard value.object != nil else { throw file.problem("__metadata__ is not an object") }
        return result
    }

    private static func entry(_ name: String, _ value: JSONValue, dataStart: Int, _ file: FileBytes) throws -> Entry {
        guard let members = value.object, let dtypeName = value["dtype"]?.string, let shape = integers(value["shape"]),
            let offsets = integers(value["data_offsets"]), offsets.count == 2, members.count == 3
        else {
            throw file.problem(
                "the entry of tensor ‘\(name)’ must hold just dtype, shape and data_offsets [begin, end]")
        }
        guard let dtype = ElementType(rawValue: dtypeName) else {
            let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
            throw file.problem(
                "tensor ‘\(name)’ has dtype ‘\(dtypeName)’, supported are \(known)", remedy: "save it as one of these")
        }
        guard let size = checkedByteCount(shape, elementSize: dtype.byteCount) else {
            throw file.problem("the shape \(shape) of tensor ‘\(name)’ is impossible")
        }
        let available = file.count - dataStart
        guard offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] <= available else {
            throw file.problem(
                "tensor ‘\(name)’ lies at data bytes \(offsets[0])..<\(offsets[1]), but there are \(available)")
        }
        guard size == offsets[1] - offsets[0] else {
            throw file.problem(
                "tensor ‘\(name)’, \(dtypeName) \(shape), needs \(size) bytes, its range has \(offsets[1] - offsets[0])"
            )
        }
        return Entry(dtype: dtype, shape: shape, range: dataStart + offsets[0]..<dataStart + offsets[1])
    }

    private static func integers(_ value: JSONValue?) -> [Int]? {
        guard let elements = value?.array else { return nil }
        let integers = elements.compactMap(\.integer)
        return integers.count == elements.count ? integers : nil
    }

    /// A tensor's bytes as they are in the file.
    public func bytes(_ name: String) throws -> Data {
        guard let entry = tensors[name] else { throw file.missing(name, among: tensors.keys) }
        return file.data(entry.range)
    }
}

extension SafetensorsFile: TensorFile {
    public var path: String { file.name }

    public var names: [String] { tensors.keys.sorted() }

    public func shape(of name: String) -> [Int]? { tensors[name]?.shape }

    public func elementType(of name: String) -> ElementType? { tensors[name]?.dtype }

    public func tensor(_ name: String, shape: [Int]? = nil) throws -> Tensor {
        guard let entry = tensors[name] else { throw file.missing(name, among: tensors.keys) }
        try file.check(name, shape: entry.shape, expected: shape)
        return file.tensor(entry.dtype, entry.range, shape: entry.shape)
    }
}
