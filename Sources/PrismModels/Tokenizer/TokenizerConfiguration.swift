import Foundation
import PrismFormats

/// What a Hugging Face `tokenizer_config.json` says beside the tokenizer itself.
struct TokenizerConfiguration {
    let addsBOS: Bool?
    let addedTokens: [(text: String, id: Int)]
    private let root: JSONValue

    /// nil if there is none in the same folder.
    init?(beside url: URL) throws {
        let config = url.deletingLastPathComponent().appending(path: "tokenizer_config.json")
        guard FileManager.default.fileExists(atPath: config.path) else { return nil }
        try self.init(FileBytes(config))
    }

    init(_ file: FileBytes) throws {
        root = try JSONValue(file)
        addsBOS = root["add_bos_token"]?.bool
        addedTokens = (root["added_tokens_decoder"]?.object ?? []).compactMap { member in
            guard let id = Int(member.key), let text = member.value["content"]?.string else { return nil }
            return (text, id)
        }
    }

    /// The text of a token such as `bos_token`.
    func token(_ key: String) -> String? { root[key].flatMap { $0.string ?? $0["content"]?.string } }
}
