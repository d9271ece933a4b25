import Foundation
import PrismCore
import Yams

/// A user's concepts in YAML: a list of tables, each with a name, one of the kinds `tokens`, `pattern`, `documents` and
/// `spans`, and perhaps a `family` and a `definition` for readers.
struct ConceptFile {
    let families: [any ConceptFamily]

    private static let kinds = ["tokens", "pattern", "documents", "spans"]
    private static let keys = ["name", "family", "definition"] + kinds

    /// - taken: names that a concept cannot have.
    /// - Throws: `PrismError.usage` or `.badData` that names the file, the concept and the key.
    init(_ url: URL, taken: Set<String>) throws {
        let root: Node?
        do {
            root = try Yams.compose(yaml: String(decoding: try Files.read(url), as: UTF8.self))
        } catch let error as PrismError {
            throw error
        } catch {
            let reason = "\(error)".split(separator: "\n").first.map(String.init) ?? "it is no YAML"
            throw PrismError.badData("\(url.path): \(reason); correct the YAML")
        }
        do {
            let top = try root.map { try Self.table($0, keys: ["concepts"], of: "the file") } ?? [:]
            guard let list = top["concepts"]?.sequence, !list.isEmpty else {
                throw PrismError.badData("expected `concepts:` and below it a list of concepts, each with a name")
            }
            var taken = taken
            families = try list.map { try Self.family($0, folder: url.deletingLastPathComponent(), &taken) }
        } catch let error as PrismError {
            throw PrismError(error.kind, "\(url.path): \(error.message)")
        }
    }

    private static func family(_ node: Node, folder: URL, _ taken: inout Set<String>) throws -> any ConceptFamily {
        let table = try table(node, keys: keys, of: "a concept")
        guard let name = table["name"]?.scalar?.string, !name.isEmpty else {
            throw PrismError.usage("a concept has no name; give each one, such as `name: days`")
        }
        guard !name.hasPrefix("source: "), taken.insert(name).inserted else {
            throw PrismError.usage("the name ‘\(name)’ is taken; choose another")
        }
        let given = kinds.filter { table[$0] != nil }
        guard let kind = given.first, given.count == 1, let value = table[kind] else {
            let found = given.isEmpty ? "none" : given.joined(separator: " and ")
            throw PrismError.usage("‘\(name)’ must have one of \(kinds.joined(separator: ", ")); it has \(found)")
        }
        func text(_ key: String) throws -> String? {
            guard let node = table[key] else { return nil }
            guard let text = node.scalar?.string, !text.isEmpty else {
                throw PrismError.usage("‘\(key)’ of ‘\(name)’ must be a text")
            }
            return text
        }
        func concept(_ definition: String) throws -> Concept {
            Concept(name: name, family: try text("family") ?? "user", definition: try text("definition") ?? definition)
        }
        func list() throws -> [String] {
            let nodes = value.sequence.map(Array.init) ?? [value]
            let texts = nodes.compactMap { $0.scalar?.string }.filter { !$0.isEmpty }
            guard !texts.isEmpty, texts.count == nodes.count else {
                throw PrismError.usage("‘\(kind)’ of ‘\(name)’ must be a list of texts, none of them empty")
            }
            return texts
        }
        switch kind {
        case "tokens":
            let texts = try list()
            return TokenList(concept: try concept("One of the tokens \(quoted(texts))."), texts: texts)
        case "documents":
            let patterns = try list()
            return DocumentPatterns(concept: try concept("In a document of \(quoted(patterns))."), patterns: patterns)
        case "pattern":
            let pattern = try text(kind)!
            return try Patterns([(concept("Part of a match of \(pattern)."), pattern)])
        default:
            let file = try text(kind)!
            return try SpanList(concept("Inside a span of \(file)."), file: URL(filePath: file, relativeTo: folder))
        }
    }

    /// - Throws: `PrismError.usage` that suggests the nearest name for a key that is not known.
    private static func table(_ node: Node, keys: [String], of what: String) throws -> [String: Node] {
        guard let mapping = node.mapping else {
            throw PrismError.badData("\(what) must be keys with values, of \(keys.joined(separator: ", "))")
        }
        var table: [String: Node] = [:]
        for (key, value) in mapping {
            let name = key.scalar?.string ?? ""
            guard keys.contains(name) else {
                throw PrismError.usage(
                    "‘\(name)’ is no key of \(what); the nearest is ‘\(name.nearest(among: keys))’")
            }
            table[name] = value
        }
        return table
    }

    private static func quoted(_ texts: [String]) -> String {
        texts.prefix(5).map { "‘\($0)’" }.joined(separator: ", ") + (texts.count > 5 ? " …" : "")
    }
}
