import PrismCore

/// A model on the hub: `ORG/NAME`, or `ORG/NAME@REVISION`.
public struct ModelReference: Hashable, Sendable, CustomStringConvertible {
    /// `ORG/NAME`.
    public let repository: String
    /// A branch, a tag or a full commit hash; `main` unless one was given.
    public let revision: String

    /// - Throws: `PrismError.usage` that shows the form.
    public init(_ text: String) throws {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let names = parts[0].split(separator: "/", omittingEmptySubsequences: false)
        guard names.count == 2, names.allSatisfy({ Self.isName($0) && !$0.contains("--") }) else {
            throw PrismError.usage("‘\(text)’ names no model of the hub; write ORG/NAME or ORG/NAME@REVISION")
        }
        repository = String(parts[0])
        revision = parts.count == 2 ? String(parts[1]) : "main"
        guard revision.split(separator: "/", omittingEmptySubsequences: false).allSatisfy(Self.isName) else {
            throw PrismError.usage(
                "‘\(revision)’ is no revision of \(repository); write a branch, a tag or a full commit hash behind the @"
            )
        }
    }

    public var description: String { "\(repository)@\(revision)" }

    /// The revision if it is a full commit hash, whose content never changes.
    var commit: String? { revision.isDigest(ofLength: 40) ? revision : nil }

    /// One part of a path that can be neither hidden nor a way out of a folder.
    private static func isName(_ name: Substring) -> Bool {
        (1...96).contains(name.utf8.count) && name.first != "." && name.last != "." && name.first != "-"
            && name.utf8.allSatisfy { byte in
                let character = Character(Unicode.Scalar(byte))
                return character.isASCII && (character.isLetter || character.isNumber || "._-+".contains(character))
            }
    }
}

extension String {
    /// Whether this is a digest as the hub writes it: lowercase hexadecimal.
    func isDigest(ofLength length: Int) -> Bool {
        utf8.count == length && utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
