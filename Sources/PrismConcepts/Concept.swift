/// What tokens may have in common, and how a reader recognises it.
public struct Concept: Sendable, Hashable, Codable {
    /// Unique in a library, such as `script: Arabic`.
    public let name: String
    /// What the concept is one kind of, such as `script`.
    public let family: String
    /// One sentence for a reader: which tokens lie inside.
    public let definition: String

    public init(name: String, family: String, definition: String) {
        (self.name, self.family, self.definition) = (name, family, definition)
    }

    /// Named after its family, as the built-in ones are.
    init(_ family: String, _ kind: String, _ definition: String) {
        self.init(name: "\(family): \(kind)", family: family, definition: definition)
    }
}
