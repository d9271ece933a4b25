import Foundation
import PrismCore
import PrismFormats
import PrismModels

/// A user's pairs in JSON lines:
///
///     {"clean": "The capital of France is", "corrupt": "The capital of Italy is", "answer": " Paris", "foil": " Rome"}
///
/// Answer and foil are a text or a list of texts, single tokens each, with the space before them.
public struct PromptPairFile {
    public let pairs: [PromptPair]

    /// - Throws: `PrismError.badData` that names the file and the line: of what is no such object, of a pair whose prompts
    ///   differ in length, of an answer that is several tokens. `PrismError.usage` if there is no file.
    public init(_ url: URL, tokenizer: Tokenizer) throws {
        let file = try FileBytes(url)
        pairs = try withExtendedLifetime(file) {
            var (pairs, start) = ([PromptPair](), 0)
            for (number, line) in file.buffer.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
                defer { start += line.count + 1 }
                guard line.contains(where: { !" \t\r".utf8.contains($0) }) else { continue }
                let own = FileBytes(file, start..<start + line.count, name: "\(url.path):\(number + 1)")
                do {
                    pairs.append(try Self.draft(own).pair(tokenizer))
                } catch let error as PrismError where !error.message.hasPrefix(own.name) {
                    throw PrismError(error.kind, "\(own.name): \(error.message)")
                }
            }
            return pairs
        }
        guard !pairs.isEmpty else { throw file.problem("there are no pairs", remedy: "write one a line") }
    }

    private static let keys = ["clean", "corrupt", "answer", "foil"]

    private static func draft(_ line: FileBytes) throws -> PromptDraft {
        let remedy = #"write a line such as {"clean": "…", "corrupt": "…", "answer": " Mary", "foil": " John"}"#
        guard let members = try JSONValue(line).object else { throw line.problem("expected an object", remedy: remedy) }
        if let stranger = members.first(where: { !keys.contains($0.key) }) {
            throw line.problem("the key ‘\(stranger.key)’ is unknown", remedy: remedy)
        }
        func texts(_ key: String) throws -> [String] {
            let value = members.first { $0.key == key }?.value
            let texts = value?.string.map { [$0] } ?? value?.array?.map { $0.string ?? "" } ?? []
            guard !texts.isEmpty, !texts.contains("") else {
                throw line.problem("‘\(key)’ must be a text that is not empty", remedy: remedy)
            }
            return texts
        }
        func text(_ key: String) throws -> String {
            let texts = try texts(key)
            guard texts.count == 1 else { throw line.problem("‘\(key)’ must be one text", remedy: remedy) }
            return texts[0]
        }
        return PromptDraft(
            clean: Prompt(try text("clean")), corrupt: Prompt(try text("corrupt")), answers: try texts("answer"),
            foils: try texts("foil"))
    }
}
