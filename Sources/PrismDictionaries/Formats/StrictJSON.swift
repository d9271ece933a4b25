import Foundation
import PrismCore
import PrismFormats

/// A JSON object whose values are read strictly. A key `a.b` is the member b of the member a.
struct StrictJSON {
    let file: FileBytes
    private let json: JSONValue
    private let members: [JSONValue.Member]

    init(_ url: URL) throws {
        file = try FileBytes(url)
        json = try JSONValue(file)
        guard let object = json.object else { throw file.problem("expected a JSON object") }
        members = object
    }

    /// nil where the key is missing or null.
    subscript(key: String) -> JSONValue? {
        key.split(separator: ".").reduce(json) { value, part in value?[String(part)] }
    }

    func value<T>(_ key: String, _ expected: String, _ read: (JSONValue) -> T?) throws -> T {
        guard let found = self[key] else {
            throw file.problem("key ‘\(key)’ is missing, expected \(expected)", remedy: "add it")
        }
        guard let value = read(found) else {
            throw file.problem(
                "key ‘\(key)’ must be \(expected), found \(found.brief)",
                remedy: "correct it or write the folder again")
        }
        return value
    }

    @discardableResult
    func oneOf<T>(_ key: String, _ known: [String: T], _ remedy: String) throws -> T {
        let names = known.keys.sorted().map { "‘\($0)’" }.joined(separator: ", ")
        let name = try value(key, "one of \(names)") { $0.string }
        guard let match = known[name] else {
            throw file.problem("key ‘\(key)’ is ‘\(name)’, supported: \(names)", remedy: remedy)
        }
        return match
    }

    func positive(_ key: String, atMost limit: Int = .max) throws -> Int {
        let range = limit == .max ? "a positive whole number" : "a whole number from 1 to \(limit)"
        return try value(key, range) { $0.integer.flatMap { $0 > 0 && $0 <= limit ? $0 : nil } }
    }

    func number(_ key: String) throws -> Double {
        try value(key, "a number") {
            switch $0 {
            case .integer(let value): Double(value)
            case .number(let value): value
            default: nil
            }
        }
    }

    func flag(_ key: String, default: Bool) throws -> Bool {
        self[key] == nil ? `default` : try value(key, "true or false") { $0.bool }
    }

    func requireKeys(among known: Set<String>) throws {
        guard let stranger = members.first(where: { !known.contains($0.key) }) else { return }
        throw file.problem(
            "key ‘\(stranger.key)’ is unknown and may change what the dictionary computes; expected only "
                + known.sorted().joined(separator: ", "), remedy: "remove it if it has no effect")
    }
}

extension JSONValue {
    /// A short name of what stands there, for messages.
    fileprivate var brief: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): "‘\(value.prefix(40))’"
        case .array: "an array"
        case .object: "an object"
        }
    }
}
