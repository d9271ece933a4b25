import Foundation
import PrismCore
import PrismFormats

extension Tokenizer {
    /// Trains a byte-level BPE tokenizer (Sennrich et al. 2016; over bytes, Radford et al. 2019) on text that is cut as GPT-2
    /// cuts it, each digit alone.
    ///
    /// Its ids are `<|endoftext|>`, which is 0 and both begins and ends texts; the 256 bytes, in the order of the byte-level
    /// alphabet; and the merges in the order learned. The most frequent pair is merged first, of equals the one of the smaller
    /// ids. Equal documents give an equal tokenizer, in whatever order they come.
    /// - documents: texts in UTF-8; invalid bytes are taken for U+FFFD. Read once, one at a time.
    /// - vocabulary: how many tokens are wanted, at least 257. There are fewer if the text has not enough pairs.
    /// - minimumCount: pairs that occur less often are not merged.
    /// - Throws: `PrismError.usage` if `vocabulary` is too small, `.badData` if there is no text.
    public static func trained(on documents: some Sequence<Data>, vocabulary: Int, minimumCount: Int = 2) throws
        -> TrainedTokenizer
    {
        let tokens = [Array(TrainedTokenizer.endOfText.utf8)] + ByteLevelAlphabet.bytesInOrder.map { [$0] }
        guard vocabulary >= tokens.count else {
            throw PrismError.usage(
                "a vocabulary of \(vocabulary) tokens is too small; it needs \(tokens.count), one for each byte and one to end a text"
            )
        }
        var pieces: [[UInt8]: Int] = [:]
        for document in documents {
            var text = String(decoding: document, as: UTF8.self)
            text.withUTF8 { text in
                DigitsSplitter(individually: true).split(text, text.indices) { part in
                    GPT2Splitter().split(text, part) { pieces[Array(text[$0]), default: 0] += 1 }
                }
            }
        }
        guard !pieces.isEmpty else { throw PrismError.badData("there is no text to train a tokenizer on; give more") }
        var training = BytePairTraining(pieces, tokens: tokens)
        training.run(vocabulary: vocabulary, minimumCount: minimumCount)
        return try TrainedTokenizer(training)
    }
}

/// A byte-level BPE tokenizer made by `Tokenizer.trained(on:vocabulary:minimumCount:)`.
public struct TrainedTokenizer: Sendable {
    /// The token that begins and ends texts, with the id 0.
    public static let endOfText = "<|endoftext|>"
    public let tokenizer: Tokenizer
    private let json: Data

    init(_ training: BytePairTraining) throws {
        json = Self.json(training)
        // Read from what is written, so that both are the same.
        tokenizer = try Tokenizer(
            json: FileBytes(json, name: "tokenizer.json"), config: FileBytes(Self.config, name: "tokenizer_config.json")
        )
    }

    /// The file as Hugging Face `tokenizers` writes it for such a tokenizer.
    private static func json(_ training: BytePairTraining) -> Data {
        // Of the byte-level alphabet only these two have a meaning in JSON.
        let tokens = training.tokens.enumerated().map { id, bytes in
            let text = id == 0 ? endOfText : ByteLevelAlphabet.text(of: bytes)
            return "\"" + text.replacing("\\", with: #"\\"#).replacing("\"", with: #"\""#) + "\""
        }
        let vocabulary = tokens.enumerated().map { "      \($1): \($0)" }.joined(separator: ",\n")
        let merges = training.merges.map { "      [\(tokens[Int($0.left)]), \(tokens[Int($0.right)])]" }
            .joined(separator: ",\n")
        let byteLevel = #"{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}"#
        let decoder = #"{"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}"#
        let flags = #""single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true"#
        return Data(
            """
            {
              "version": "1.0",
              "truncation": null,
              "padding": null,
              "added_tokens": [{"id": 0, "content": "\(endOfText)", \(flags)}],
              "normalizer": null,
              "pre_tokenizer": {
                "type": "Sequence",
                "pretokenizers": [{"type": "Digits", "individual_digits": true}, \(byteLevel)]
              },
              "post_processor": null,
              "decoder": \(decoder),
              "model": {
                "type": "BPE",
                "dropout": null,
                "unk_token": null,
                "continuing_subword_prefix": null,
                "end_of_word_suffix": null,
                "fuse_unk": false,
                "byte_fallback": false,
                "ignore_merges": false,
                "vocab": {
            \(vocabulary)
                },
                "merges": [
            \(merges)
                ]
              }
            }

            """.utf8)
    }

    private static let config = Data(
        """
        {
          "add_bos_token": false,
          "bos_token": "\(endOfText)",
          "clean_up_tokenization_spaces": false,
          "eos_token": "\(endOfText)",
          "model_max_length": 1000000000,
          "tokenizer_class": "PreTrainedTokenizerFast"
        }

        """.utf8)

    /// Writes `tokenizer.json` and `tokenizer_config.json`, which Hugging Face `transformers` opens, into a folder that
    /// exists.
    /// - Throws: `PrismError.runFailed` that names the file.
    public func write(to folder: URL) throws {
        try Files.writeAtomically(json, to: folder.appending(path: "tokenizer.json"))
        try Files.writeAtomically(Self.config, to: folder.appending(path: "tokenizer_config.json"))
    }
}
