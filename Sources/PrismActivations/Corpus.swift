import Foundation
import PrismCore

/// Text files with the source each belongs to.
public struct Corpus: Sendable {
    /// One text file.
    public struct Document: Hashable, Sendable {
        /// Where it lies, relative to the path that was given.
        public let name: String
        /// The folder it lies in: what kind of text it is.
        public let source: String
        package let url: URL

        /// Whether it is one of those that training never sees, which a draw by its name decides.
        package func isHeldOut(share: Double, seed: UInt64) -> Bool {
            var draw = SeededGenerator(seed: seed, stream: "split \(name)")
            return Double(draw.uniform()) < share
        }
    }

    /// In the order of their names.
    public let documents: [Document]

    /// Takes files as they are and folders with all files below them; names that begin with a dot are passed over.
    /// - Throws: `PrismError.usage` for a path that does not exist or holds no file.
    public init(paths: [URL]) throws {
        var documents: [Document] = []
        for path in paths {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path.path, isDirectory: &isFolder) else {
                throw PrismError.usage("there is no text at \(path.path); give a file or a folder of text files")
            }
            if isFolder.boolValue {
                let root = path.standardizedFileURL.resolvingSymlinksInPath().path + "/"
                let below = FileManager.default.enumerator(
                    at: URL(filePath: root), includingPropertiesForKeys: [.isRegularFileKey], options: .skipsHiddenFiles
                )
                while let file = below?.nextObject() as? URL {
                    guard try file.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true else { continue }
                    documents.append(Self.document(file, name: String(file.path.dropFirst(root.count)), root: path))
                }
            } else {
                documents.append(
                    Self.document(path, name: path.lastPathComponent, root: path.deletingLastPathComponent()))
            }
        }
        guard !documents.isEmpty else {
            throw PrismError.usage("no text files in \(paths.map(\.path).joined(separator: ", "))")
        }
        self.documents = documents.sorted { ($0.name, $0.url.path) < ($1.name, $1.url.path) }
    }

    /// SHA-256 over the names and digests of the documents.
    /// - Throws: `PrismError` if one is gone.
    package func digest() throws -> String {
        let lines = try documents.map { "\(try Files.digest(Files.read($0.url)))  \($0.name)\n" }
        return Files.digest(Data(lines.joined().utf8))
    }

    private static func document(_ file: URL, name: String, root: URL) -> Document {
        let folder = file.deletingLastPathComponent().lastPathComponent
        return Document(name: name, source: name.contains("/") ? folder : root.lastPathComponent, url: file)
    }
}
