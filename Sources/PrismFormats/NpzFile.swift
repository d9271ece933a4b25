import Foundation
import PrismCore
import PrismTensor

/// Named arrays that NumPy saved together (`numpy.savez`): a zip archive of `.npy` files.
public struct NpzFile: Sendable {
    public let path: String
    private let arrays: [String: NpyFile]
    private let file: FileBytes

    package init(_ archive: ZipArchive) throws {
        file = archive.file
        path = file.name
        arrays = try archive.names.reduce(into: [:]) { arrays, name in
            guard name.hasSuffix(".npy") else {
                throw archive.file.problem("‘\(name)’ is no .npy file", remedy: "write it with numpy.savez")
            }
            arrays[String(name.dropLast(4))] = try NpyFile(archive.bytes(name))
        }
    }

    /// Writes tensors as numpy.savez does.
    /// - Throws: `PrismError.runFailed` if the file cannot be written.
    public static func write(_ tensors: [(name: String, tensor: Tensor)], to url: URL) throws {
        var writer = ZipWriter()
        for (name, tensor) in tensors {
            writer.add(name + ".npy", .data(NpyFile.header(of: tensor)), .tensor(tensor))
        }
        try writer.write(to: url)
    }
}

extension NpzFile: TensorFile {
    public var names: [String] { arrays.keys.sorted() }

    public func shape(of name: String) -> [Int]? { arrays[name]?.shape }

    public func elementType(of name: String) -> ElementType? { arrays[name]?.dtype }

    public func tensor(_ name: String, shape: [Int]?) throws -> Tensor {
        guard let array = arrays[name] else { throw file.missing(name, among: arrays.keys) }
        try file.check(name, shape: array.shape, expected: shape)
        return array.tensor()
    }
}
