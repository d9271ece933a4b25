import Foundation
import PrismCore

/// Writes a dictionary's folder, in place of a dictionary that may be there, so that a reader finds one whole dictionary
/// or none: the files are made in a hidden folder and renamed, and the configuration goes first and comes last.
struct FolderWriter {
    /// Names below the folder.
    let configuration: String
    let weights: String
    /// Files that an older dictionary may have and this one not.
    var optional: [String] = []

    /// - content: of the configuration; keys become its names in snake case. - body: writes the other files into the folder
    ///   that it is given.
    /// - Throws: `PrismError.runFailed` if the folder cannot be written; what was there is then still whole.
    func write(to folder: URL, _ content: some Encodable, _ body: (URL) throws -> Void) throws {
        let files = FileManager.default
        let partial = folder.appending(path: ".partial")
        try Files.createFolder(partial, replacing: true)
        defer { try? files.removeItem(at: partial) }
        for name in [weights, configuration] {
            for root in [partial, folder] {
                try Files.createFolder(root.appending(path: name).deletingLastPathComponent())
            }
        }
        try body(partial)
        let encoder = JSONEncoder.prism
        encoder.keyEncodingStrategy = .convertToSnakeCase
        try Files.writeAtomically(encoder.encode(content), to: partial.appending(path: configuration))
        for name in [configuration] + optional { try? files.removeItem(at: folder.appending(path: name)) }
        for name in [weights] + optional + [configuration] {
            let (source, target) = (partial.appending(path: name), folder.appending(path: name))
            if files.fileExists(atPath: source.path) { try Files.move(source, to: target) }
        }
    }
}
