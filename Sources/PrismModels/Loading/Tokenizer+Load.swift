import Foundation
import PrismCore
import PrismFormats

extension Tokenizer {
    /// Loads the tokenizer of a model: the one that a GGUF file carries, or `tokenizer.json` of a Hugging Face folder.
    /// - url: what `Transformer(loading:)` takes.
    /// - Throws: `PrismError.usage` if there is nothing at `url`, `.badData` for a tokenizer that is not supported.
    public init(loading url: URL) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw PrismError.usage("there is no model \(url.path)")
        }
        if isFolder.boolValue {
            try self.init(json: url.appending(path: "tokenizer.json"))
        } else {
            try self.init(GGUFFile(url))
        }
    }
}
