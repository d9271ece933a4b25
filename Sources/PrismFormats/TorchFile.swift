import Foundation
import PrismCore
import PrismTensor

/// A state dictionary that PyTorch saved (`torch.save`, since version 1.6): a zip archive of a pickle, which names tensors,
/// and of their numbers, one entry per storage. Nothing in it is executed (see `Unpickler`).
///
///     <name>/data.pkl     the dictionary
///     <name>/data/<key>   the numbers of the storage <key>
public struct TorchFile: Sendable {
    /// A value that is no tensor.
    public enum Scalar: Hashable, Sendable {
        case integer(Int)
        case number(Double)
        case string(String)
        case bool(Bool)
        /// None, or something whose content is not needed.
        case other
    }

    private struct Entry {
        let tensor: TorchTensor
        let bytes: FileBytes
    }

    /// Values that are no tensors; those of a dictionary within the dictionary have both keys, joined by a dot.
    public let scalars: [String: Scalar]
    private let entries: [String: Entry]
    private let file: FileBytes

    package init(_ archive: ZipArchive) throws {
        let suffix = "/data.pkl"
        guard let pickle = archive.names.first(where: { $0.hasSuffix(suffix) }) else {
            throw archive.file.problem("there is no ‘…\(suffix)’ in the archive", remedy: "write it with torch.save")
        }
        let root = pickle.dropLast(suffix.count)
        if archive.names.contains(root + "/byteorder") {
            guard try archive.bytes(root + "/byteorder").buffer.elementsEqual("little".utf8) else {
                throw archive.file.problem("the numbers are not little-endian", remedy: "save it on another machine")
            }
        }
        var scalars: [String: Scalar] = [:]
        var entries: [String: Entry] = [:]
        var storages: [String: FileBytes] = [:]
        func add(_ name: String, _ value: PickleValue, isInner: Bool) throws {
            guard scalars[name] == nil, entries[name] == nil else {
                throw archive.file.problem("the key ‘\(name)’ occurs twice")
            }
            switch value {
            case .integer(let value): scalars[name] = .integer(value)
            case .number(let value): scalars[name] = .number(value)
            case .string(let value): scalars[name] = .string(value)
            case .bool(let value): scalars[name] = .bool(value)
            case .container(let inner) where inner.isDictionary && !isInner:
                for (key, value) in zip(inner.keys, inner.values) { try add("\(name).\(key)", value, isInner: true) }
            case .tensor(let tensor):
                let storage = tensor.storage
                let bytes = try storages[storage.key] ?? archive.bytes("\(root)/data/\(storage.key)")
                guard bytes.count == storage.count * storage.type.byteCount else {
                    throw archive.file.problem(
                        "the storage ‘\(storage.key)’ of ‘\(name)’ has \(bytes.count) bytes, expected \(storage.count) "
                            + storage.type.rawValue)
                }
                storages[storage.key] = bytes
                entries[name] = Entry(tensor: tensor, bytes: bytes)
            default: scalars[name] = .other
            }
        }
        try Unpickler.read(archive.bytes(pickle)) { members in
            for (key, value) in zip(members.keys, members.values) { try add(key, value, isInner: false) }
        }
        self.scalars = scalars
        self.entries = entries
        file = archive.file
    }
}

extension TorchFile: TensorFile {
    public var path: String { file.name }

    public var names: [String] { entries.keys.sorted() }

    public func shape(of name: String) -> [Int]? { entries[name]?.tensor.shape }

    public func elementType(of name: String) -> ElementType? { entries[name]?.tensor.storage.type }

    public func tensor(_ name: String, shape: [Int]?) throws -> Tensor {
        guard let entry = entries[name] else { throw file.missing(name, among: entries.keys) }
        try file.check(name, shape: entry.tensor.shape, expected: shape)
        let (tensor, type) = (entry.tensor, entry.tensor.storage.type)
        var dense = 1
        let contiguous = tensor.shape.reversed().map { size in
            defer { dense *= size }
            return dense
        }
        let isContiguous = zip(zip(tensor.strides.reversed(), contiguous), tensor.shape.reversed()).allSatisfy {
            $0.0 == $0.1 || $1 == 1
        }
        if isContiguous || dense == 0 {
            let start = tensor.offset * type.byteCount
            return entry.bytes.tensor(type, start..<start + dense * type.byteCount, shape: tensor.shape)
        }
        // A transposed view: gathered row by row.
        let all = entry.bytes.tensor(type, 0..<entry.bytes.count, shape: [tensor.storage.count])
        let result = Tensor(shape: tensor.shape)
        for i in 0..<result.count {
            var (rest, place) = (i, tensor.offset)
            for axis in tensor.shape.indices.reversed() {
                place += rest % tensor.shape[axis] * tensor.strides[axis]
                rest /= tensor.shape[axis]
            }
            result.data[i] = all.data[place]
        }
        return result
    }
}
