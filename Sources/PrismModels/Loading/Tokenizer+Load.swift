import Foundation
import PrismCore
import PrismFormats

extension Tokenizer {
    /// Loads the tokenizer of a model: the one that a GGUF file carries, or `tokenizer.json` of a Hugging Face folder, or
    /// its `tokenizer.model` if it has only that.
    /// - url: what `Transformer(loading:)` takes.
    /// - Throws: `PrismError.usage` if there is nothing at `url`, `.badData` for a tokenizer that is not supported.
    public init(loading url: URL) throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw PrismError.usage("there is no model \(url.path)")
        }
        if isFolder.boolValue {
            let json = url.appending(path: "tokenizer.json")
            let model = url.appending(path: "tokenizer.model")
            if !FileManager.default.fileExists(atPath: json.path), FileManager.default.fileExists(atPath: model.path) {
                try self.init(sentencePiece: model)
            } else {
                try self.init(json: json)
            }
        } else {
            try self.init(GGUFFile(url))
        }
    }
}
