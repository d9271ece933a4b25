import Foundation
import PrismCore
import PrismTensor

/// An array that NumPy saved (`numpy.save`), mapped into memory: little-endian f2, f4, f8, i4 and i8 in C order.
///
/// Layout (NEP 1): `\x93NUMPY`, major and minor version, length of the header (u16 in version 1, u32 in 2 and 3), the
/// header, a Python dict literal of `descr`, `fortran_order` and `shape`; the data.
public struct NpyFile: Sendable {
    public let dtype: ElementType
    /// Dimensions, outermost first; empty for a single number.
    public let shape: [Int]
    private let file: FileBytes
    private let range: Range<Int>

    private static let types: [String: ElementType] = ["<f2": .f16, "<f4": .f32, "<f8": .f64, "<i4": .i32, "<i8": .i64]
    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    /// - Throws: `PrismError.badData` that names the file, what was expected and what was found.
    public init(_ url: URL) throws { try self.init(FileBytes(url)) }

    package init(_ file: FileBytes) throws {
        self.file = file
        let bytes = file.buffer
        guard bytes.count >= 10, bytes.prefix(6).elementsEqual(Self.magic) else {
            throw file.problem("it does not begin as an .npy file does", remedy: "write it with numpy.save")
        }
        let major = bytes[6]
        guard (1...3).contains(major), bytes[7] == 0, major == 1 || bytes.count >= 12 else {
            throw file.problem(".npy version \(major).\(bytes[7]), supported are 1.0, 2.0 and 3.0")
        }
        let lengthSize = major == 1 ? 2 : 4
        let length = (0..<lengthSize).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
        let start = 8 + lengthSize
        guard length <= bytes.count - start else {
            throw file.problem("the header is said to have \(length) bytes, the file holds \(bytes.count - start) more")
        }
        var literal = PythonLiteral(file: file, position: start, end: start + length)
        let header = try literal.header()
        guard let dtype = Self.types[header.descr] else {
            let known = Self.types.keys.sorted().joined(separator: ", ")
            throw file.problem(
                "the array's dtype is ‘\(header.descr)’, supported are \(known)",
                remedy: "save it after .astype('<f4')")
        }
        guard !header.fortranOrder else {
            throw file.problem("the array is in Fortran order", remedy: "save it after numpy.ascontiguousarray")
        }
        guard let size = checkedByteCount(header.shape, elementSize: dtype.byteCount) else {
            throw file.problem("the shape \(header.shape) is impossible")
        }
        guard size == bytes.count - start - length else {
            throw file.problem(
                "\(header.descr) \(header.shape) needs \(size) bytes, the file holds \(bytes.count - start - length)")
        }
        self.dtype = dtype
        shape = header.shape
        range = start + length..<bytes.count
    }

    /// The array as fp32. Its memory may be the mapped file itself, which cannot be written: `copy()` it before
    /// changing it.
    public func tensor() -> Tensor { file.tensor(dtype, range, shape: shape) }

    /// Writes a tensor as version 1.0, f4.
    /// - Throws: `PrismError.runFailed` if the file cannot be written.
    public static func write(_ tensor: Tensor, to url: URL) throws {
        try Files.writeAtomically(to: url) { handle in
            try handle.write(contentsOf: header(of: tensor))
            try handle.write(contentsOf: Data(bytesNoCopy: tensor.data, count: 4 * tensor.count, deallocator: .none))
        }
    }

    /// What stands before the numbers of `tensor`.
    static func header(of tensor: Tensor) -> Data {
        let dimensions = tensor.shape.map(String.init).joined(separator: ", ") + (tensor.shape.count == 1 ? "," : "")
        var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(dimensions)), }"
        // NumPy pads so that the data begin at a multiple of 64; a shape that outgrows u16 does not exist.
        header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
        let length = UInt16(header.utf8.count)
        return Data(magic + [1, 0, UInt8(length & 0xff), UInt8(length >> 8)]) + Data(header.utf8)
    }
}

/// Just the grammar of an .npy header: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
private struct PythonLiteral {
    let file: FileBytes
    var position: Int
    let end: Int

    mutating func header() throws -> (descr: String, fortranOrder: Bool, shape: [Int]) {
        var descr: String?
        var fortranOrder: Bool?
        var shape: [Int]?
        try expect("{")
        while !take("}") {
            let key = try string()
            try expect(":")
            switch key {
            case "descr" where descr == nil: descr = try string()
            case "fortran_order" where fortranOrder == nil: fortranOrder = try boolean()
            case "shape" where shape == nil: shape = try tuple()
            default: throw problem("an unknown or repeated key ‘\(key)’")
            }
            if !take(",") {
                try expect("}")
                break
            }
        }
        skipSpace()
        guard position == end else { throw problem("something after the dict") }
        guard let descr, let fortranOrder, let shape else { throw problem("not all of descr, fortran_order and shape") }
        return (descr, fortranOrder, shape)
    }

    func problem(_ found: String) -> PrismError { file.problem("the .npy header has \(found), at byte \(position)") }

    mutating func skipSpace() {
        while position < end, [0x20, 0x0a, 0x09].contains(file.buffer[position]) { position += 1 }
    }

    /// Takes a word, if it is next.
    mutating func take(_ word: String) -> Bool {
        skipSpace()
        guard file.buffer[position..<end].starts(with: word.utf8) else { return false }
        position += word.utf8.count
        return true
    }

    mutating func expect(_ word: String) throws {
        guard take(word) else { throw problem("no ‘\(word)’ where one must be") }
    }

    mutating func boolean() throws -> Bool {
        if take("True") { return true }
        guard take("False") else { throw problem("neither True nor False where one must be") }
        return false
    }

    mutating func string() throws -> String {
        let quote = take("'") ? UInt8(ascii: "'") : UInt8(ascii: "\"")
        if quote == UInt8(ascii: "\"") { try expect("\"") }
        let start = position
        while position < end, file.buffer[position] != quote {
            // numpy has no name that needs an escape, save in structured arrays, which are refused anyway.
            guard file.buffer[position] >= 0x20, file.buffer[position] != UInt8(ascii: "\\") else {
                throw problem("an escape")
            }
            position += 1
        }
        guard position < end else { throw problem("an open string") }
        position += 1
        return String(decoding: file.buffer[start..<position - 1], as: UTF8.self)
    }

    /// `()`, `(3,)`, `(3, 4)`.
    mutating func tuple() throws -> [Int] {
        var numbers: [Int] = []
        var hasComma = false
        try expect("(")
        while !take(")") {
            guard numbers.isEmpty || hasComma else { throw problem("no ‘,’ where one must be") }
            skipSpace()
            let start = position
            while position < end, (0x30...0x39).contains(file.buffer[position]) { position += 1 }
            guard let number = Int(String(decoding: file.buffer[start..<position], as: UTF8.self)) else {
                throw problem("no dimension where one must be")
            }
            numbers.append(number)
            hasComma = take(",")
        }
        guard numbers.count != 1 || hasComma else { throw problem("a number in brackets where a tuple must be") }
        return numbers
    }
}
