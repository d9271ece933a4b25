import PrismCore
import PrismFormats

extension Tokenizer {
    /// A pre-tokenizer by the name that llama.cpp gives it (`tokenizer.ggml.pre`).
    private struct PreTokenizer {
        let splitters: [any PieceSplitter]
        /// llama.cpp normalises nothing; but the models of these names were trained on text in this form.
        var form: Normaliser.Form?
        var ignoresMerges = false
        /// What holds where the file does not say.
        var addsBOS = false
    }

    private static let preTokenizers: [String: PreTokenizer] = {
        let llama3 = PreTokenizer(splitters: [Llama3Splitter(digits: 3)], ignoresMerges: true, addsBOS: true)
        let neoX = PreTokenizer(splitters: [GPT2Splitter()], form: .c)
        return [
            "gpt-2": PreTokenizer(splitters: [GPT2Splitter()]), "phi-2": PreTokenizer(splitters: [GPT2Splitter()]),
            "olmo": neoX, "mpt": neoX,
            "smollm": PreTokenizer(splitters: [DigitsSplitter(individually: true), GPT2Splitter()]),
            "llama-bpe": llama3, "llama-v3": llama3, "llama3": llama3,
            // OLMo 2's too.
            "dbrx": PreTokenizer(splitters: [Llama3Splitter(digits: 3)]),
            "qwen2": PreTokenizer(splitters: [Llama3Splitter(digits: 1)], form: .c),
        ]
    }()

    /// The tokenizer that a GGUF model file carries (`tokenizer.ggml.*`): byte-level BPE (`gpt2`), SentencePiece's BPE
    /// (`llama`) or its unigram model (`t5`).
    /// - Throws: `PrismError.badData` that names what is missing or not supported.
    public init(_ file: GGUFFile) throws {
        let reader = TokenizerGGUF(file: file)
        let addsBOSUnlessSaid: Bool
        let model = try file.value("tokenizer.ggml.model", "a string", \.string)
        let tokens = try file.value("tokenizer.ggml.tokens", "an array of strings", \.strings)
        let kinds = try reader.kinds(count: tokens.count)
        switch model {
        case "gpt2":
            let pre = try file.value("tokenizer.ggml.pre", "a string", \.string)
            guard let preTokenizer = Self.preTokenizers[pre] else {
                let known = Self.preTokenizers.keys.sorted().map { "‘\($0)’" }.joined(separator: ", ")
                throw reader.problem("the pre-tokenizer is ‘\(pre)’, supported are \(known)")
            }
            let added = kinds.indices.filter { [.unknown, .control, .userDefined].contains(kinds[$0]) }
            let contents = BytePairVocabulary(
                tokens: tokens, added: Dictionary(uniqueKeysWithValues: added.map { (Int32($0), tokens[$0]) }),
                merges: try reader.merges(),
                ignoresMerges: preTokenizer.ignoresMerges)
            (vocabulary, encoder) = try contents.built(reader.problem)
            splitters = preTokenizer.splitters
            normaliser.steps = preTokenizer.form.map { [.form($0)] } ?? []
            addsBOSUnlessSaid = preTokenizer.addsBOS
        case "llama", "t5":
            let contents = try reader.sentencePiece(tokens, kinds, isUnigram: model == "t5")
            (vocabulary, encoder, splitters) = try contents.built(reader.problem)
            normaliser = contents.normaliser
            droppedSpaces = contents.droppedSpaces
            addsBOSUnlessSaid = model == "llama"
        default:
            throw reader.problem(
                "the tokenizer's model is ‘\(model)’, supported are ‘gpt2’, ‘llama’ and ‘t5’")
        }
        added = AddedTokens(
            zip(tokens, kinds).enumerated().compactMap { id, token in
                guard [.unknown, .control, .userDefined].contains(token.1) else { return nil }
                return AddedTokens.Token(
                    text: token.0, id: Int32(id), isSpecial: token.1 != .userDefined)
            })
        bosID = try reader.id("tokenizer.ggml.bos_token_id", below: tokens.count)
        eosID = try reader.id("tokenizer.ggml.eos_token_id", below: tokens.count)
        let saidBOS = try reader.bool("tokenizer.ggml.add_bos_token")
        guard saidBOS != true || bosID != nil else {
            throw reader.problem("add_bos_token is set, but there is no bos_token_id")
        }
        addsBOS = saidBOS ?? (addsBOSUnlessSaid && bosID != nil)
    }
}

/// Reads the parts of a GGUF file's tokenizer.
private struct TokenizerGGUF {
    let file: GGUFFile

    func problem(_ text: String) -> any Error { file.problem(text, remedy: "use another file of this model") }

    func id(_ key: String, below count: Int) throws -> Int32? {
        guard file.metadata[key] != nil else { return nil }
        let id = try file.value(key, "a token id", \.integer)
        guard id >= 0, id < count else { throw problem("metadata ‘\(key)’ is \(id), there are \(count) tokens") }
        return Int32(id)
    }

    func bool(_ key: String) throws -> Bool? {
        file.metadata[key] == nil ? nil : try file.value(key, "a bool", \.bool)
    }

    /// ggml numbers the kinds of tokens as sentencepiece does.
    func kinds(count: Int) throws -> [SentencePieceVocabulary.Kind] {
        let key = "tokenizer.ggml.token_type"
        guard file.metadata[key] != nil else { return Array(repeating: .normal, count: count) }
        let kinds = try file.value(key, "an array", \.array)
        guard kinds.count == count else {
            throw problem("there are \(count) tokens, but \(kinds.count) token types")
        }
        return try kinds.enumerated().map { number, kind in
            guard let kind = kind.integer.flatMap(SentencePieceVocabulary.Kind.init) else {
                throw problem("the type of token \(number) is not one of 1 to 6")
            }
            return kind
        }
    }

    func merges() throws -> [(String, String)] {
        try file.value("tokenizer.ggml.merges", "an array of strings", \.strings).enumerated().map { number, merge in
            let parts = merge.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw problem("merge \(number) is ‘\(merge)’, expected two tokens with a space between")
            }
            return (String(parts[0]), String(parts[1]))
        }
    }

    func sentencePiece(
        _ tokens: [String], _ kinds: [SentencePieceVocabulary.Kind], isUnigram: Bool
    ) throws -> SentencePieceVocabulary {
        let scores = try file.value("tokenizer.ggml.scores", "an array of numbers", \.array)
        guard scores.count == tokens.count else {
            throw problem("there are \(tokens.count) tokens, but \(scores.count) scores")
        }
        let key = "tokenizer.ggml.precompiled_charsmap"
        let map = file.metadata[key] == nil ? [] : try file.value(key, "an array of bytes", \.array)
        let bytes = map.compactMap { $0.integer.map { UInt8(truncatingIfNeeded: $0) } }
        let pieces = try tokens.indices.map { number in
            guard let score = scores[number].number else { throw problem("the score of token \(number) is no number") }
            return SentencePieceVocabulary.Piece(text: tokens[number], score: Float(score), kind: kinds[number])
        }
        return SentencePieceVocabulary(
            algorithm: isUnigram ? .unigram : .bytePair, pieces: pieces, fallsBackToBytes: kinds.contains(.byte),
            characterMap: bytes.isEmpty ? nil : try CharacterMap(bytes, problem),
            addsDummyPrefix: try bool("tokenizer.ggml.add_space_prefix") ?? true,
            removesExtraSpaces: try bool("tokenizer.ggml.remove_extra_whitespaces") ?? false)
    }
}
