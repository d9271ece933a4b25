import PrismCore

/// Reads the pieces of a GGUF header in order, trusting no number in it.
struct GGUFReader {
    let file: FileBytes
    var position = 0

    var bytesLeft: Int { file.count - position }

    /// - what: names the number in the error.
    mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type, _ what: @autoclosure () -> String) throws -> T {
        guard bytesLeft >= MemoryLayout<T>.size else {
            throw file.problem(
                "\(what()) at byte \(position) needs \(MemoryLayout<T>.size) bytes, \(bytesLeft) are left",
                remedy: "the file is cut short or damaged: fetch it again")
        }
        defer { position += MemoryLayout<T>.size }
        return T(littleEndian: file.buffer.loadUnaligned(fromByteOffset: position, as: T.self))
    }

    /// A count of things of which each has at least `size` bytes in the file: what is claimed must be backed by bytes.
    mutating func count(of what: @autoclosure () -> String, atLeast size: Int) throws -> Int {
        let claimed = try integer(UInt64.self, "the number of \(what())")
        guard claimed <= bytesLeft / size else {
            throw file.problem("\(claimed) \(what()) are announced before byte \(position), \(bytesLeft / size) are possible")
        }
        return Int(claimed)
    }

    mutating func string(_ what: @autoclosure () -> String) throws -> String {
        let count = try count(of: "bytes in \(what())", atLeast: 1)
        let bytes = UnsafeRawBufferPointer(rebasing: file.buffer[position..<position + count])
        guard let string = String(validating: bytes, as: UTF8.self) else {
            throw file.problem("\(what()) at byte \(position) is not UTF-8")
        }
        position += count
        return string
    }

    private mutating func kind(_ what: @autoclosure () -> String) throws -> GGUFKind {
        let number = try integer(UInt32.self, "the type of \(what())")
        guard let kind = GGUFKind(rawValue: number) else {
            throw file.problem("\(what()) has the unknown type \(number), known are 0 to 12")
        }
        return kind
    }

    mutating func value(_ key: String) throws -> GGUFValue {
        try value(try kind("metadata ‘\(key)’"), key, depth: 0)
    }

    private mutating func value(_ kind: GGUFKind, _ key: String, depth: Int) throws -> GGUFValue {
        switch kind {
        case .uint8: return .uint8(try integer(UInt8.self, "metadata ‘\(key)’"))
        case .int8: return .int8(try integer(Int8.self, "metadata ‘\(key)’"))
        case .uint16: return .uint16(try integer(UInt16.self, "metadata ‘\(key)’"))
        case .int16: return .int16(try integer(Int16.self, "metadata ‘\(key)’"))
        case .uint32: return .uint32(try integer(UInt32.self, "metadata ‘\(key)’"))
        case .int32: return .int32(try integer(Int32.self, "metadata ‘\(key)’"))
        case .float32: return .float32(Float(bitPattern: try integer(UInt32.self, "metadata ‘\(key)’")))
        case .uint64: return .uint64(try integer(UInt64.self, "metadata ‘\(key)’"))
        case .int64: return .int64(try integer(Int64.self, "metadata ‘\(key)’"))
        case .float64: return .float64(Double(bitPattern: try integer(UInt64.self, "metadata ‘\(key)’")))
        case .string: return .string(try string("metadata ‘\(key)’"))
        case .bool:
            let byte = try integer(UInt8.self, "metadata ‘\(key)’")
            guard byte <= 1 else { throw file.problem("metadata ‘\(key)’ is \(byte), a bool is 0 or 1") }
            return .bool(byte == 1)
        case .array:
            // Each level costs a stack frame here and only twelve bytes in the file.
            guard depth < 16 else { throw file.problem("metadata ‘\(key)’ nests arrays more than 16 deep") }
            let element = try self.kind("the elements of metadata ‘\(key)’")
            let count = try count(of: "elements of metadata ‘\(key)’", atLeast: element.leastByteCount)
            var elements: [GGUFValue] = []
            elements.reserveCapacity(count)
            for _ in 0..<count { elements.append(try value(element, key, depth: depth + 1)) }
            return .array(elements)
        }
    }
}
