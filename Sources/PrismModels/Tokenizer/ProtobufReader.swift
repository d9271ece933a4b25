import PrismCore
import PrismFormats

/// The fields of a protocol buffers message, in the file's order: as much of the encoding as SentencePiece's models need.
///
/// A field is a varint of number and wire type, then its value: a varint (0), eight bytes (1), a length and as many bytes
/// (2), or four bytes (5).
struct ProtobufReader {
    struct Field {
        let number: UInt64
        /// The varint's, or of the fixed bytes, little-endian; 0 for bytes.
        fileprivate var value: UInt64 = 0
        /// Where bytes lie.
        fileprivate var range: Range<Int>?
        fileprivate var isVarint = false
    }

    let file: FileBytes
    private var position: Int
    private let end: Int

    init(_ file: FileBytes) { self.init(file, 0..<file.count) }

    private init(_ file: FileBytes, _ range: Range<Int>) {
        (self.file, position, end) = (file, range.lowerBound, range.upperBound)
    }

    private func problem(_ text: String) -> PrismError { file.problem("byte \(position): \(text)") }

    /// - Throws: `PrismError.badData` that names the byte.
    mutating func next() throws -> Field? {
        guard position < end else { return nil }
        let tag = try varint()
        var field = Field(number: tag >> 3)
        switch tag & 7 {
        case 0:
            field.value = try varint()
            field.isVarint = true
        case 1: field.value = try fixed(8)
        case 2:
            let count = try varint()
            guard count <= UInt64(end - position) else { throw problem("a field of \(count) bytes is cut off") }
            field.range = position..<position + Int(count)
            position += Int(count)
        case 5: field.value = try fixed(4)
        default: throw problem("a field of the kind \(tag & 7), expected 0, 1, 2 or 5")
        }
        return field
    }

    func message(_ field: Field) throws -> ProtobufReader { ProtobufReader(file, try bytes(field)) }

    func bytes(_ field: Field) throws -> Range<Int> {
        guard let range = field.range else { throw problem("field \(field.number) is a number, expected bytes") }
        return range
    }

    func string(_ field: Field) throws -> String {
        guard let text = String(validating: file.buffer[try bytes(field)], as: UTF8.self) else {
            throw problem("field \(field.number) is not UTF-8")
        }
        return text
    }

    func integer(_ field: Field) throws -> Int {
        guard field.isVarint else { throw problem("field \(field.number) is no varint") }
        return Int(truncatingIfNeeded: field.value)
    }

    func float(_ field: Field) throws -> Float {
        guard field.range == nil, !field.isVarint else { throw problem("field \(field.number) is no float") }
        return Float(bitPattern: UInt32(truncatingIfNeeded: field.value))
    }

    private mutating func varint() throws -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard position < end else { throw problem("a number is cut off") }
            let byte = file.buffer[position]
            position += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        throw problem("a number of more than ten bytes")
    }

    private mutating func fixed(_ count: Int) throws -> UInt64 {
        guard count <= end - position else { throw problem("a number is cut off") }
        defer { position += count }
        return (0..<count).reduce(0) { $0 | UInt64(file.buffer[position + $1]) << UInt64(8 * $1) }
    }
}
