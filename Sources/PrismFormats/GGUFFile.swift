import Foundation
import PrismCore
import PrismTensor

/// A GGUF file, version 3, mapped into memory: metadata and tensors of a model, plain or quantised.
///
/// Layout (ggml `docs/gguf.md`), little-endian: `GGUF`, u32 version, u64 number of tensors, u64 number of key–value pairs;
/// the pairs; of each tensor name, dimensions innermost first, type, offset; the data from the next multiple of
/// `general.alignment` (32 if not given), where the offsets count from.
public struct GGUFFile: Sendable {
    /// Where a tensor lies.
    public struct Entry: Sendable, Hashable {
        public let type: GGUFType
        /// Dimensions, outermost first: the file's order reversed.
        public let shape: [Int]
        /// Bytes from the start of the file.
        public let range: Range<Int>
    }

    public let metadata: [String: GGUFValue]
    public let tensors: [String: Entry]
    /// The file, as error messages name it.
    public var name: String { file.name }
    private let file: FileBytes

    /// Reads and checks the header.
    /// - Throws: `PrismError.badData` that names the file, the key or tensor, what was expected and what was found.
    public init(_ url: URL) throws { try self.init(FileBytes(url)) }

    package init(_ file: FileBytes) throws {
        self.file = file
        var reader = GGUFReader(file: file)
        guard try reader.integer(UInt32.self, "the magic number") == 0x4655_4747 else {
            throw file.problem("it does not begin with ‘GGUF’", remedy: "it is not a GGUF file")
        }
        let version = try reader.integer(UInt32.self, "the version")
        guard version == 3 else {
            throw file.problem("GGUF version \(version), supported is 3", remedy: "convert the model with newer tools")
        }
        // The shortest tensor entry: empty name, no dimensions, type, offset. The shortest pair: empty key, type, one byte.
        let tensorCount = try reader.count(of: "tensors", atLeast: 8 + 4 + 4 + 8)
        let pairCount = try reader.count(of: "metadata pairs", atLeast: 8 + 4 + 1)

        var metadata: [String: GGUFValue] = [:]
        for number in 0..<pairCount {
            let key = try reader.string("metadata key \(number)")
            guard metadata.updateValue(try reader.value(key), forKey: key) == nil else {
                throw file.problem("the metadata key ‘\(key)’ occurs twice")
            }
        }
        self.metadata = metadata

        var infos: [(name: String, type: GGUFType, shape: [Int], offset: UInt64, size: Int)] = []
        for number in 0..<tensorCount { infos.append(try Self.tensorInfo(number, &reader)) }

        let alignment = try Self.alignment(metadata, file)
        let start = (reader.position + alignment - 1) / alignment * alignment
        let available = max(0, file.count - start)
        var tensors: [String: Entry] = [:]
        for info in infos {
            guard info.offset % UInt64(alignment) == 0 else {
                throw file.problem("tensor ‘\(info.name)’ has offset \(info.offset), no multiple of the alignment \(alignment)")
            }
            guard info.size <= available, info.offset <= available - info.size else {
                throw file.problem(
                    "tensor ‘\(info.name)’, \(info.type.name) \(info.shape), needs \(info.size) bytes at offset \(info.offset), "
                        + "but there are \(available) bytes of data",
                    remedy: "the file is cut short or damaged: fetch it again")
            }
            let begin = start + Int(info.offset)
            let entry = Entry(type: info.type, shape: info.shape, range: begin..<begin + info.size)
            guard tensors.updateValue(entry, forKey: info.name) == nil else {
                throw file.problem("the tensor ‘\(info.name)’ occurs twice")
            }
        }
        self.tensors = tensors
        try checkOverlap()
    }

    private static func alignment(_ metadata: [String: GGUFValue], _ file: FileBytes) throws -> Int {
        guard let value = metadata["general.alignment"] else { return 32 }
        guard case .uint32(let alignment) = value, alignment > 0, alignment & (alignment - 1) == 0 else {
            throw file.problem("general.alignment is \(value), expected a u32 that is a power of two")
        }
        return Int(alignment)
    }

    private static func tensorInfo(
        _ number: Int, _ reader: inout GGUFReader
    ) throws -> (name: String, type: GGUFType, shape: [Int], offset: UInt64, size: Int) {
        let file = reader.file
        let name = try reader.string("the name of tensor \(number)")
        let rank = try reader.integer(UInt32.self, "the number of dimensions of tensor ‘\(name)’")
        guard rank <= 4 else { throw file.problem("tensor ‘\(name)’ has \(rank) dimensions, at most 4 are possible") }
        var innermostFirst: [Int] = []
        for _ in 0..<rank {
            let dimension = try reader.integer(UInt64.self, "a dimension of tensor ‘\(name)’")
            guard let dimension = Int(exactly: dimension) else {
                throw file.problem("a dimension of tensor ‘\(name)’ is \(dimension), which is impossible")
            }
            innermostFirst.append(dimension)
        }
        let number = try reader.integer(UInt32.self, "the type of tensor ‘\(name)’")
        guard let type = GGUFType(rawValue: number) else {
            throw file.problem(
                "tensor ‘\(name)’ has the ggml type \(number), supported are "
                    + GGUFType.allCases.map { "\($0.name) (\($0.rawValue))" }.joined(separator: ", "),
                remedy: "take the model in one of these, for example Q8_0")
        }
        guard (innermostFirst.first ?? 1) % type.blockCount == 0 else {
            throw file.problem(
                "rows of tensor ‘\(name)’ have \(innermostFirst.first ?? 1) numbers, \(type.name) needs a multiple of \(type.blockCount)")
        }
        let shape = Array(innermostFirst.reversed())
        // The product with the larger of both counts bounds all later products.
        guard let bound = checkedByteCount(shape, elementSize: max(type.blockByteCount, 4)) else {
            throw file.problem("the dimensions \(shape) of tensor ‘\(name)’ are impossible")
        }
        let count = bound / max(type.blockByteCount, 4)
        return (name, type, shape, try reader.integer(UInt64.self, "the offset of tensor ‘\(name)’"), count / type.blockCount * type.blockByteCount)
    }

    private func checkOverlap() throws {
        var last: (name: String, end: Int)?
        for (name, entry) in tensors.sorted(by: { ($0.value.range.lowerBound, $0.value.range.upperBound) < ($1.value.range.lowerBound, $1.value.range.upperBound) }) {
            if let last, entry.range.lowerBound < last.end {
                throw file.problem("the tensors ‘\(last.name)’ and ‘\(name)’ overlap")
            }
            last = (name, entry.range.upperBound)
        }
    }

    /// A metadata value that must be there.
    /// - read: picks the kind, for example `\.integer`. - what: names it in the error, for example "an integer".
    public func value<T>(_ key: String, _ what: String, _ read: (GGUFValue) -> T?) throws -> T {
        guard let found = metadata[key] else {
            throw file.problem("there is no metadata ‘\(key)’, \(what) was expected", remedy: "the file is of another kind")
        }
        guard let value = read(found) else {
            throw file.problem("metadata ‘\(key)’ must be \(what)", remedy: "the file is of another kind")
        }
        return value
    }

    package func problem(_ problem: String, remedy: String) -> PrismError { file.problem(problem, remedy: remedy) }
}

extension GGUFFile: WeightSource {
    public var names: [String] { tensors.keys.sorted() }

    public func shape(of name: String) -> [Int]? { tensors[name]?.shape }

    public func tensor(_ name: String, shape: [Int]? = nil) throws -> Tensor {
        guard let entry = tensors[name] else { throw file.missing(name, among: tensors.keys) }
        try file.check(name, shape: entry.shape, expected: shape)
        if let element = entry.type.element { return file.tensor(element, entry.range, shape: entry.shape) }
        return withExtendedLifetime(file) {
            let result = Tensor(shape: entry.shape)
            let blocks = entry.range.count / entry.type.blockByteCount
            entry.type.dequantize(file.buffer.baseAddress! + entry.range.lowerBound, blocks: blocks, to: result.data)
            return result
        }
    }
}
