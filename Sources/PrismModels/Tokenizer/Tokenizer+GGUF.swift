import PrismCore
import PrismFormats

extension Tokenizer {
    /// Pre-tokenizers by the name that llama.cpp gives them (`tokenizer.ggml.pre`).
    private static let splitters: [String: [any PieceSplitter]] = [
        "gpt-2": [GPT2Splitter()],
        "smollm": [DigitsSplitter(individually: true), GPT2Splitter()],
    ]

    /// The tokenizer that a GGUF model file carries (`tokenizer.ggml.*`): byte-level BPE.
    /// - Throws: `PrismError.badData` that names what is missing or not supported.
    public init(_ file: GGUFFile) throws {
        func problem(_ text: String) -> PrismError { file.problem(text, remedy: "use another file of this model") }
        func id(_ key: String, below count: Int) throws -> Int32? {
            guard file.metadata[key] != nil else { return nil }
            let id = try file.value(key, "a token id", \.integer)
            guard id >= 0, id < count else { throw problem("metadata ‘\(key)’ is \(id), there are \(count) tokens") }
            return Int32(id)
        }

        let model = try file.value("tokenizer.ggml.model", "a string", \.string)
        guard model == "gpt2" else {
            throw problem("the tokenizer's model is ‘\(model)’, supported is ‘gpt2’ (byte-level BPE)")
        }
        let pre = try file.value("tokenizer.ggml.pre", "a string", \.string)
        guard let splitters = Self.splitters[pre] else {
            let known = Self.splitters.keys.sorted().map { "‘\($0)’" }.joined(separator: ", ")
            throw problem("the pre-tokenizer is ‘\(pre)’, supported are \(known)")
        }
        let tokens = try file.value("tokenizer.ggml.tokens", "an array of strings", \.strings)
        let merges = try file.value("tokenizer.ggml.merges", "an array of strings", \.strings).enumerated().map { number, merge in
            let parts = merge.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw problem("merge \(number) is ‘\(merge)’, expected two tokens with a space between") }
            return (String(parts[0]), String(parts[1]))
        }
        var added: [AddedTokens.Token] = []
        if file.metadata["tokenizer.ggml.token_type"] != nil {
            let kinds = try file.value("tokenizer.ggml.token_type", "an array", \.array)
            guard kinds.count == tokens.count else { throw problem("there are \(tokens.count) tokens, but \(kinds.count) token types") }
            for (number, kind) in kinds.enumerated() {
                // ggml: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
                guard let kind = kind.integer, (1...6).contains(kind) else { throw problem("the type of token \(number) is not one of 1 to 6") }
                if (2...4).contains(kind) {
                    added.append(AddedTokens.Token(text: tokens[number], id: Int32(number), isSpecial: kind != 4))
                }
            }
        }
        let contents = ByteLevelVocabulary(tokens: tokens, addedIDs: Set(added.map(\.id)), merges: merges)
        (vocabulary, encoder) = try contents.built(problem)
        self.added = AddedTokens(added)
        self.splitters = splitters
        bosID = try id("tokenizer.ggml.bos_token_id", below: tokens.count)
        eosID = try id("tokenizer.ggml.eos_token_id", below: tokens.count)
        if file.metadata["tokenizer.ggml.add_bos_token"] != nil {
            addsBOS = try file.value("tokenizer.ggml.add_bos_token", "a bool", \.bool)
            guard !addsBOS || bosID != nil else { throw problem("add_bos_token is set, but there is no bos_token_id") }
        } else {
            addsBOS = false
        }
    }
}
