import Foundation
import PrismCore

/// What a pickle of PyTorch's can hold here.
package enum PickleValue {
    case none, mark
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    /// - depth: of tuples within each other.
    indirect case tuple([PickleValue], depth: Int)
    case container(PickleContainer)
    case global(String)
    case storage(TorchStorage)
    case tensor(TorchTensor)

    var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    var string: String? { if case .string(let value) = self { value } else { nil } }
    var tuple: [PickleValue]? { if case .tuple(let values, _) = self { values } else { nil } }
    var integers: [Int]? { tuple.flatMap { $0.allSatisfy { $0.integer != nil } ? $0.compactMap(\.integer) : nil } }
}

/// A list (values only) or a dictionary. An object, since a pickle refers to it while it fills it.
package final class PickleContainer {
    let isDictionary: Bool
    package var keys: [String] = []
    package var values: [PickleValue] = []

    init(isDictionary: Bool) { self.isDictionary = isDictionary }
}

/// Numbers in an entry of their own.
package struct TorchStorage {
    let type: ElementType
    let key: String
    let count: Int
}

/// A view of a storage, counted in numbers.
package struct TorchTensor {
    let storage: TorchStorage
    let offset: Int
    let shape, strides: [Int]
}

/// Reads the pickle inside a `.pt` file (Python's pickletools, protocol 2, as torch.save writes it).
///
/// A pickle is a program for a machine with a stack that may call anything in Python. This machine knows the
/// instructions that state dictionaries consist of and calls nothing: the three names that rebuild tensors and ordered
/// dictionaries have their meaning built in, and any other name or instruction ends the reading.
package struct Unpickler {
    private let file: FileBytes
    private var position = 0
    private var stack: [PickleValue] = []
    private var memo: [Int: PickleValue] = [:]
    /// All of them, to cut the references among them in the end: a container may hold itself.
    private var containers: [PickleContainer] = []

    /// - body: takes the members of the dictionary that the pickle holds, in order; must not keep containers.
    package static func read<R>(_ file: FileBytes, _ body: (PickleContainer) throws -> R) throws -> R {
        var machine = Unpickler(file: file)
        defer {
            for container in machine.containers { container.values = [] }
        }
        guard case .container(let members) = try machine.run(), members.isDictionary else {
            throw file.problem("the pickle holds no dictionary", remedy: "save a state_dict")
        }
        return try body(members)
    }

    private init(file: FileBytes) { self.file = file }

    private func problem(_ found: String) -> PrismError {
        file.problem(
            "the pickle has \(found) before byte \(position)",
            remedy:
                "Prism reads dictionaries of tensors, numbers and text, as torch.save(model.state_dict()) writes them")
    }

    private mutating func run() throws -> PickleValue {
        while true {
            let code: UInt8 = try take()
            switch code {
            case 0x80:  // protocol
                let version: UInt8 = try take()
                guard version == 2 else { throw problem("protocol \(version) instead of 2") }
            case UInt8(ascii: "."):
                guard stack.count == 1 else { throw problem("an end with \(stack.count) values on the stack") }
                return stack[0]
            case UInt8(ascii: "("): stack.append(.mark)
            case UInt8(ascii: "N"): stack.append(.none)
            case 0x88: stack.append(.bool(true))
            case 0x89: stack.append(.bool(false))
            case UInt8(ascii: "K"): stack.append(.integer(Int(try take() as UInt8)))
            case UInt8(ascii: "M"): stack.append(.integer(Int(try take() as UInt16)))
            case UInt8(ascii: "J"): stack.append(.integer(Int(try take() as Int32)))
            case 0x8a: stack.append(.integer(try long()))
            case UInt8(ascii: "G"): stack.append(.number(Double(bitPattern: (try take() as UInt64).byteSwapped)))
            case UInt8(ascii: "X"): stack.append(.string(try text(Int(try take() as UInt32))))
            case UInt8(ascii: "c"):
                let name = try line() + "." + line()
                guard Self.isKnown(name) else { throw problem("the forbidden name ‘\(name)’") }
                stack.append(.global(name))
            case UInt8(ascii: ")"): stack.append(.tuple([], depth: 0))
            case 0x85...0x87: try push(tuple: try pop(Int(code) - 0x84))
            case UInt8(ascii: "t"): try push(tuple: try popToMark())
            case UInt8(ascii: "]"): push(PickleContainer(isDictionary: false))
            case UInt8(ascii: "}"): push(PickleContainer(isDictionary: true))
            case UInt8(ascii: "a"): try add(try pop(1), isDictionary: false)
            case UInt8(ascii: "e"): try add(try popToMark(), isDictionary: false)
            case UInt8(ascii: "s"): try add(try pop(2), isDictionary: true)
            case UInt8(ascii: "u"): try add(try popToMark(), isDictionary: true)
            case UInt8(ascii: "q"): try remember(Int(try take() as UInt8))
            case UInt8(ascii: "r"): try remember(Int(try take() as UInt32))
            case UInt8(ascii: "h"): try recall(Int(try take() as UInt8))
            case UInt8(ascii: "j"): try recall(Int(try take() as UInt32))
            case UInt8(ascii: "Q"): stack.append(.storage(try storage(try pop(1)[0])))
            case UInt8(ascii: "R"): try reduce()
            case UInt8(ascii: "b"):  // the attribute _metadata of a state dictionary: not needed
                guard case .container = try pop(1)[0], case .container = stack.last else {
                    throw problem("an object with a state")
                }
            default: throw problem("the instruction \(code)")
            }
        }
    }

    // MARK: The names

    private static let orderedDictionary = "collections.OrderedDict"
    private static let rebuildTensor = "torch._utils._rebuild_tensor_v2"
    private static let rebuildParameter = "torch._utils._rebuild_parameter"
    static let storages: [String: ElementType] = [
        "torch.DoubleStorage": .f64, "torch.FloatStorage": .f32, "torch.HalfStorage": .f16,
        "torch.BFloat16Storage": .bf16, "torch.LongStorage": .i64, "torch.IntStorage": .i32,
        "torch.ShortStorage": .i16, "torch.CharStorage": .i8, "torch.ByteStorage": .u8, "torch.BoolStorage": .bool,
    ]

    private static func isKnown(_ name: String) -> Bool {
        storages[name] != nil || [orderedDictionary, rebuildTensor, rebuildParameter].contains(name)
    }

    /// The call of a name, for the three whose effect is known.
    private mutating func reduce() throws {
        let call = try pop(2)
        guard case .global(let name) = call[0], let arguments = call[1].tuple else {
            throw problem("a call of no name")
        }
        switch name {
        case Self.orderedDictionary where arguments.isEmpty: push(PickleContainer(isDictionary: true))
        case Self.rebuildTensor where arguments.count == 6 || arguments.count == 7:
            guard case .storage(let storage) = arguments[0], let offset = arguments[1].integer,
                let shape = arguments[2].integers, let strides = arguments[3].integers
            else { fallthrough }
            stack.append(
                .tensor(try tensor(TorchTensor(storage: storage, offset: offset, shape: shape, strides: strides))))
        case Self.rebuildParameter where arguments.count == 3:
            guard case .tensor = arguments[0] else { fallthrough }
            stack.append(arguments[0])
        default: throw problem("a call of \(name) with other arguments than PyTorch's")
        }
    }

    /// The tensor, if all its numbers lie in its storage and are as many at most.
    private func tensor(_ tensor: TorchTensor) throws -> TorchTensor {
        let (shape, strides, total) = (tensor.shape, tensor.strides, tensor.storage.count)
        var last = tensor.offset
        guard shape.count == strides.count, shape.count <= 8, (0...total).contains(tensor.offset),
            let count = checkedByteCount(shape, elementSize: 1), count <= total - tensor.offset
        else { throw problem("a tensor of shape \(shape) in \(total) numbers") }
        for (size, stride) in zip(shape, strides) where count > 0 {
            let (reach, overflows) = (size - 1).multipliedReportingOverflow(by: stride)
            guard stride >= 0, !overflows, reach < total else { throw problem("a tensor with a stride of \(stride)") }
            last += reach
        }
        guard count == 0 || last < total else { throw problem("a tensor that ends at number \(last) of \(total)") }
        return tensor
    }

    /// ('storage', type, key, device, count)
    private func storage(_ value: PickleValue) throws -> TorchStorage {
        guard let parts = value.tuple, parts.count == 5, parts[0].string == "storage",
            case .global(let name) = parts[1], let type = Self.storages[name], let key = parts[2].string,
            let count = parts[4].integer, (0...1 << 48).contains(count)
        else { throw problem("a reference to something that is no storage") }
        return TorchStorage(type: type, key: key, count: count)
    }

    // MARK: The stack

    private mutating func pop(_ count: Int) throws -> [PickleValue] {
        let values = Array(stack.suffix(count))
        guard values.count == count else { throw problem("too few values on the stack") }
        for case .mark in values { throw problem("a mark where a value must be") }
        stack.removeLast(count)
        return values
    }

    private mutating func popToMark() throws -> [PickleValue] {
        let start = stack.lastIndex { if case .mark = $0 { true } else { false } }
        guard let start else { throw problem("no mark on the stack") }
        let values = Array(stack[(start + 1)...])
        stack.removeSubrange(start...)
        return values
    }

    private mutating func push(tuple values: [PickleValue]) throws {
        // Deep nesting would end the process when it is freed.
        let depth = values.map { if case .tuple(_, let depth) = $0 { depth + 1 } else { 0 } }.max() ?? 0
        guard depth <= 16 else { throw problem("tuples nested more than 16 deep") }
        stack.append(.tuple(values, depth: depth))
    }

    private mutating func push(_ container: PickleContainer) {
        containers.append(container)
        stack.append(.container(container))
    }

    /// Adds values, or keys and values in turn, to the container on top of the stack.
    private mutating func add(_ values: [PickleValue], isDictionary: Bool) throws {
        guard case .container(let container) = stack.last, container.isDictionary == isDictionary else {
            throw problem("no \(isDictionary ? "dictionary" : "list") to add to")
        }
        guard isDictionary else { return container.values += values }
        guard values.count % 2 == 0 else { throw problem("a key without a value") }
        for i in stride(from: 0, to: values.count, by: 2) {
            guard let key = values[i].string else { throw problem("a key that is no text") }
            container.keys.append(key)
            container.values.append(values[i + 1])
        }
    }

    private mutating func remember(_ place: Int) throws {
        guard let value = stack.last else { throw problem("nothing to remember") }
        memo[place] = value
    }

    private mutating func recall(_ place: Int) throws {
        guard let value = memo[place] else { throw problem("a reference to \(place), where nothing was remembered") }
        stack.append(value)
    }

    // MARK: The bytes

    private mutating func take<T: FixedWidthInteger & BitwiseCopyable>() throws -> T {
        guard position + MemoryLayout<T>.size <= file.count else { throw problem("no end") }
        defer { position += MemoryLayout<T>.size }
        return file.integer(at: position)
    }

    private mutating func text(_ length: Int) throws -> String {
        guard length <= file.count - position else { throw problem("no end") }
        defer { position += length }
        return String(decoding: file.buffer[position..<position + length], as: UTF8.self)
    }

    private mutating func line() throws -> String {
        guard let end = file.buffer[position...].firstIndex(of: UInt8(ascii: "\n")) else { throw problem("no end") }
        defer { position += 1 }
        return try text(end - position)
    }

    /// An integer of up to 8 bytes, two's complement.
    private mutating func long() throws -> Int {
        let length = Int(try take() as UInt8)
        guard length <= 8 else { throw problem("an integer of \(length) bytes") }
        var bits: UInt64 = 0
        for i in 0..<length { bits |= UInt64(try take() as UInt8) << UInt64(8 * i) }
        let unused = UInt64(64 - 8 * length)
        return length == 0 ? 0 : Int(Int64(bitPattern: bits << unused) >> Int64(unused))
    }
}
