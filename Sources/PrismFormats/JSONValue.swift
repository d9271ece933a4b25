import PrismCore

/// A JSON document, read strictly (RFC 8259).
///
/// Foundation's readers are not used where names matter: they keep one of two equal keys without a word, and take keys
/// that differ only in Unicode normalisation for equal.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    /// A number without fraction and exponent that fits.
    case integer(Int)
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// Members in the file's order; no key occurs twice.
    case object([Member])

    package struct Member: Sendable {
        package let key: String
        package let value: JSONValue
    }

    /// The member of an object; nil if this is not an object, or has no such member, or it is null.
    package subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self, let found = members.first(where: { $0.key == key }) else { return nil }
        if case .null = found.value { return nil }
        return found.value
    }

    package var object: [Member]? { if case .object(let value) = self { value } else { nil } }
    package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var integer: Int? { if case .integer(let value) = self { value } else { nil } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// - Throws: `PrismError.badData` that names the file and the byte.
    package init(_ bytes: FileBytes) throws {
        self = try JSONValue(bytes, bytes.buffer.indices)
    }

    package init(_ bytes: FileBytes, _ range: Range<Int>) throws {
        self = try withExtendedLifetime(bytes) {
            var parser = JSONParser(file: bytes, position: range.lowerBound, end: range.upperBound)
            return try parser.document()
        }
    }
}

/// Recursive descent over the bytes.
private struct JSONParser {
    let file: FileBytes
    var position: Int
    let end: Int
    /// Deeper nesting than any real file has, and far from the end of the stack.
    let depthLimit = 128

    var next: UInt8? { position < end ? file.buffer[position] : nil }

    func expected(_ what: String) -> PrismError {
        let found = next.map { $0 >= 0x20 && $0 < 0x7f ? "‘\(Character(Unicode.Scalar($0)))’" : "byte \($0)" } ?? "the end"
        return file.problem("invalid JSON at byte \(position): expected \(what), found \(found)")
    }

    mutating func document() throws -> JSONValue {
        let value = try self.value(depth: 0)
        skipSpace()
        guard next == nil else { throw expected("the end") }
        return value
    }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { position += 1 }
    }

    mutating func take(_ byte: Character) -> Bool {
        guard next == byte.asciiValue else { return false }
        position += 1
        return true
    }

    mutating func value(depth: Int) throws -> JSONValue {
        guard depth < depthLimit else { throw expected("at most \(depthLimit) levels of nesting") }
        skipSpace()
        switch next.map({ Character(Unicode.Scalar($0)) }) {
        case "{": return try object(depth: depth)
        case "[": return try array(depth: depth)
        case "\"": return .string(try string())
        case "t": return try word("true", .bool(true))
        case "f": return try word("false", .bool(false))
        case "n": return try word("null", .null)
        default: return try number()
        }
    }

    mutating func word(_ word: StaticString, _ value: JSONValue) throws -> JSONValue {
        for character in word.description where !take(character) { throw expected("‘\(word)’") }
        return value
    }

    mutating func object(depth: Int) throws -> JSONValue {
        position += 1
        var members: [JSONValue.Member] = []
        // By bytes, since equality of `String` sees through Unicode normalisation.
        var seen: Set<[UInt8]> = []
        skipSpace()
        if take("}") { return .object([]) }
        repeat {
            skipSpace()
            let start = position
            guard next == UInt8(ascii: "\"") else { throw expected("a key in quotes") }
            let key = try string()
            guard seen.insert(Array(key.utf8)).inserted else {
                throw file.problem("invalid JSON at byte \(start): the key ‘\(key)’ occurs twice")
            }
            skipSpace()
            guard take(":") else { throw expected("‘:’") }
            members.append(JSONValue.Member(key: key, value: try value(depth: depth + 1)))
            skipSpace()
        } while take(",")
        guard take("}") else { throw expected("‘,’ or ‘}’") }
        return .object(members)
    }

    mutating func array(depth: Int) throws -> JSONValue {
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if take("]") { return .array([]) }
        repeat {
            elements.append(try value(depth: depth + 1))
            skipSpace()
        } while take(",")
        guard take("]") else { throw expected("‘,’ or ‘]’") }
        return .array(elements)
    }

    mutating func number() throws -> JSONValue {
        let start = position
        func isDigit(_ byte: UInt8?) -> Bool { byte.map { $0 >= 0x30 && $0 <= 0x39 } ?? false }
        func digits(_ parser: inout JSONParser) throws {
            guard isDigit(parser.next) else { throw parser.expected("a value") }
            while isDigit(parser.next) { parser.position += 1 }
        }
        _ = take("-")
        if take("0") {
            guard !isDigit(next) else { throw expected("no digit after a leading zero") }
        } else {
            try digits(&self)
        }
        var isWhole = true
        if take(".") {
            isWhole = false
            try digits(&self)
        }
        if take("e") || take("E") {
            isWhole = false
            if !take("-") { _ = take("+") }
            try digits(&self)
        }
        let text = String(decoding: file.buffer[start..<position], as: UTF8.self)
        if isWhole, let integer = Int(text) { return .integer(integer) }
        guard let number = Double(text) else { throw expected("a number") }
        return .number(number)
    }

    mutating func string() throws -> String {
        position += 1
        var bytes: [UInt8] = []
        while true {
            let start = position
            while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
            bytes += file.buffer[start..<position]
            guard let byte = next, byte >= 0x20 else { throw expected("the end of a string") }
            position += 1
            if byte == UInt8(ascii: "\"") { break }
            try escape(into: &bytes)
        }
        guard let string = String(validating: bytes, as: UTF8.self) else {
            throw file.problem("invalid JSON: the string that ends at byte \(position) is not UTF-8")
        }
        return string
    }

    mutating func escape(into bytes: inout [UInt8]) throws {
        guard let byte = next else { throw expected("an escape") }
        position += 1
        switch Character(Unicode.Scalar(byte)) {
        case "\"", "\\", "/": bytes.append(byte)
        case "b": bytes.append(0x08)
        case "f": bytes.append(0x0c)
        case "n": bytes.append(0x0a)
        case "r": bytes.append(0x0d)
        case "t": bytes.append(0x09)
        case "u":
            var code = try hexadecimal()
            if code >> 10 == 0xd800 >> 10, take("\\"), take("u") {
                let low = try hexadecimal()
                guard low >> 10 == 0xdc00 >> 10 else { throw expected("the second half of a surrogate pair before it") }
                code = 0x10000 + (code & 0x3ff) << 10 + low & 0x3ff
            }
            guard let scalar = Unicode.Scalar(code) else { throw expected("a whole surrogate pair before it") }
            bytes += UTF8.encode(scalar)!
        default:
            position -= 1
            throw expected("an escape")
        }
    }

    mutating func hexadecimal() throws -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw expected("four hexadecimal digits") }
            code = code << 4 + UInt32(digit)
            position += 1
        }
        return code
    }
}
