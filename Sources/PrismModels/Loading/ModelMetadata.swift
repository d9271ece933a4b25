import PrismCore
import PrismFormats

/// The named values that describe a model: a GGUF file's metadata or a Hugging Face `config.json`.
///
/// Each reader returns nil where the file says nothing, and throws `PrismError.badData` where it says something of another
/// kind.
protocol ModelMetadata: Sendable {
    /// The file, as errors name it.
    var name: String { get }
    func integer(_ key: String) throws -> Int?
    func number(_ key: String) throws -> Double?
    func string(_ key: String) throws -> String?
    func bool(_ key: String) throws -> Bool?
    func strings(_ key: String) throws -> [String]?
    /// nil also where the value is no list.
    func bools(_ key: String) -> [Bool]?
}

extension ModelMetadata {
    func problem(_ problem: String) -> PrismError { .badData("\(name): \(problem)") }

    /// A value that must be there.
    func required<T>(_ key: String, _ read: (String) throws -> T?) throws -> T {
        guard let value = try read(key) else {
            throw problem("there is no ‘\(key)’; without it the model cannot be laid out")
        }
        return value
    }

    /// Refuses a model that says it computes something else than the runtime does.
    /// - found: the file's value; nil means the usual.
    func refuse<T: Equatable>(_ key: String, unless expected: T, _ found: T?) throws {
        guard let found, found != expected else { return }
        throw problem("‘\(key)’ is \(found); supported is only \(expected)")
    }
}

/// Metadata of a GGUF file.
struct GGUFMetadata: ModelMetadata {
    let file: GGUFFile

    var name: String { file.name }
    func integer(_ key: String) throws -> Int? { try read(key, "an integer", \.integer) }
    func number(_ key: String) throws -> Double? { try read(key, "a number", \.number) }
    func string(_ key: String) throws -> String? { try read(key, "a string", \.string) }
    func bool(_ key: String) throws -> Bool? { try read(key, "true or false", \.bool) }
    func strings(_ key: String) throws -> [String]? { try read(key, "a list of strings", \.strings) }
    func bools(_ key: String) -> [Bool]? { file.metadata[key]?.array?.compactMap(\.bool) }

    private func read<T>(_ key: String, _ what: String, _ kind: (GGUFValue) -> T?) throws -> T? {
        guard let found = file.metadata[key] else { return nil }
        guard let value = kind(found) else { throw problem("‘\(key)’ must be \(what)") }
        return value
    }
}

/// A `config.json`. A dot in a key leads into an object.
struct HuggingFaceMetadata: ModelMetadata {
    let name: String
    let json: JSONValue

    func integer(_ key: String) throws -> Int? { try read(key, "an integer", \.integer) }
    func string(_ key: String) throws -> String? { try read(key, "a string", \.string) }
    func bool(_ key: String) throws -> Bool? { try read(key, "true or false", \.bool) }
    func number(_ key: String) throws -> Double? {
        try read(key, "a number") { value in
            switch value {
            case .integer(let integer): Double(integer)
            case .number(let number): number
            default: nil
            }
        }
    }

    func strings(_ key: String) throws -> [String]? {
        try read(key, "a list of strings") { value in value.array.map { $0.compactMap(\.string) } }
    }

    func bools(_ key: String) -> [Bool]? { self[key]?.array?.compactMap(\.bool) }

    private subscript(key: String) -> JSONValue? {
        key.split(separator: ".").reduce(json) { $0?[String($1)] }
    }

    private func read<T>(_ key: String, _ what: String, _ kind: (JSONValue) -> T?) throws -> T? {
        guard let found = self[key] else { return nil }
        guard let value = kind(found) else { throw problem("‘\(key)’ must be \(what)") }
        return value
    }
}
