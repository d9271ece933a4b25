import Foundation
import PrismCore
import PrismFormats

/// The files in a folder that may be a dictionary, opened; or one file of weights with the configuration beside it.
struct DictionaryFiles {
    let folder: URL
    private let configurations: [String: StrictJSON]
    private let weights: [String: any TensorFile]
    /// Set if the user named the file of the weights: then it may have any name.
    private let file: (any TensorFile)?

    /// - formats: whose files are looked for.
    /// - Throws: `PrismError` if there is nothing at `url`, or one of the files cannot be parsed.
    init(_ url: URL, _ formats: [any DictionaryFormat]) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw PrismError.usage("there is no file or folder \(url.path)")
        }
        let folder = isFolder.boolValue ? url : url.deletingLastPathComponent()
        func existing(_ names: [String]) -> [(String, URL)] {
            Set(names).sorted().map { ($0, folder.appending(path: $0)) }.filter {
                FileManager.default.fileExists(atPath: $1.path)
            }
        }
        self.folder = folder
        configurations = try existing(formats.compactMap(\.configurationName)).reduce(into: [:]) {
            $0[$1.0] = try StrictJSON($1.1)
        }
        file = isFolder.boolValue ? nil : try Self.open(url)
        weights =
            try !isFolder.boolValue
            ? [:] : existing(formats.map(\.weightsName)).reduce(into: [:]) { $0[$1.0] = try Self.open($1.1) }
    }

    var areNone: Bool { configurations.isEmpty && weights.isEmpty && file == nil }

    func configuration(_ name: String?) -> StrictJSON? { name.flatMap { configurations[$0] } }

    func weights(_ name: String) -> (any TensorFile)? { file ?? weights[name] }

    /// - Throws: `PrismError.usage` if the file is not there.
    func requiredConfiguration(_ name: String) throws -> StrictJSON {
        try configurations[name] ?? StrictJSON(folder.appending(path: name))
    }

    func requiredWeights(_ name: String) throws -> any TensorFile {
        try weights(name) ?? Self.open(folder.appending(path: name))
    }

    /// By the bytes that it begins with.
    private static func open(_ url: URL) throws -> any TensorFile {
        let file = try FileBytes(url)
        guard ZipArchive.begins(file) else { return try SafetensorsFile(file) }
        let archive = try ZipArchive(file)
        return archive.names.contains { $0.hasSuffix("/data.pkl") } ? try TorchFile(archive) : try NpzFile(archive)
    }
}
