import Foundation
import PrismCore
import PrismFormats

extension Tokenizer {
    /// The tokenizer of a Hugging Face `tokenizer.json`: byte-level BPE with the pre-tokenizers ByteLevel, Digits and Split.
    ///
    /// A `tokenizer_config.json` in the same folder, if there is one, names the tokens that begin and end a text.
    /// - Throws: `PrismError.badData` that names what is missing or not supported.
    public init(json url: URL) throws {
        let config = url.deletingLastPathComponent().appending(path: "tokenizer_config.json")
        let hasConfig = FileManager.default.fileExists(atPath: config.path)
        try self.init(json: FileBytes(url), config: hasConfig ? FileBytes(config) : nil)
    }

    package init(json file: FileBytes, config: FileBytes?) throws {
        let reader = TokenizerJSON(file: file, root: try JSONValue(file))
        let added = try reader.addedTokens()
        let contents = try reader.vocabulary(added)
        (vocabulary, encoder) = try contents.built { reader.problem($0) }
        splitters = try reader.splitters()
        try reader.checkTheRest()
        let known = AddedTokens(added)
        self.added = known
        let begin = reader.firstOfTemplate()
        addsBOS = begin != nil

        let named = try config.map { try JSONValue($0) }
        func id(_ key: String) -> Int32? {
            guard let value = named?[key], let text = value.string ?? value["content"]?.string else { return nil }
            return known.id(of: text)
        }
        bosID = begin.flatMap(known.id) ?? id("bos_token")
        eosID = id("eos_token")
        guard begin == nil || bosID != nil else { throw reader.problem("‘\(begin!)’ begins each text, but is no added token") }
    }
}

/// Reads the parts of a tokenizer.json; what it does not know it refuses by name.
private struct TokenizerJSON {
    let file: FileBytes
    let root: JSONValue

    func problem(_ text: String) -> PrismError { file.problem(text, remedy: "use a model with a supported tokenizer") }

    func addedTokens() throws -> [AddedTokens.Token] {
        try (root["added_tokens"]?.array ?? []).map { token in
            guard let text = token["content"]?.string, !text.isEmpty, let number = token["id"]?.integer, let id = Int32(exactly: number), id >= 0 else {
                throw problem("an added token has no content or no id")
            }
            for flag in ["lstrip", "rstrip", "single_word"] where token[flag]?.bool == true {
                throw problem("the added token ‘\(text)’ has \(flag), which is not supported")
            }
            let isSpecial = token["special"]?.bool ?? false
            return AddedTokens.Token(text: text, id: id, isSpecial: isSpecial, matchesNormalised: token["normalized"]?.bool ?? !isSpecial)
        }
    }

    func vocabulary(_ added: [AddedTokens.Token]) throws -> ByteLevelVocabulary {
        guard let model = root["model"], let type = model["type"]?.string ?? (model["merges"] == nil ? nil : "BPE") else {
            throw problem("there is no ‘model’ of a ‘type’")
        }
        guard type == "BPE" else { throw problem("the model is of type ‘\(type)’, supported is BPE") }
        guard model["byte_fallback"]?.bool != true else { throw problem("the model has byte_fallback, which is not supported") }
        guard model["dropout"] == nil else { throw problem("the model has dropout, which is not supported") }
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] where !(model[key]?.string ?? "").isEmpty {
            throw problem("the model has \(key), which is not supported")
        }
        guard let members = model["vocab"]?.object, let merges = model["merges"]?.array else {
            throw problem("the model has no ‘vocab’ or no ‘merges’")
        }
        // Gaps between ids are fine, but must not make us allocate by one large number.
        let limit = 4 * (members.count + added.count) + 1024
        var tokens: [String?] = []
        func put(_ text: String, _ id: Int?, isAdded: Bool) throws {
            guard let id, id >= 0, id < limit else { throw problem("the id of token ‘\(text)’ is impossible") }
            while tokens.count <= id { tokens.append(nil) }
            // Added tokens are listed twice if the vocabulary has them too.
            guard tokens[id] == nil || isAdded && tokens[id]!.utf8.elementsEqual(text.utf8) else {
                throw problem("the tokens ‘\(tokens[id]!)’ and ‘\(text)’ have the same id \(id)")
            }
            tokens[id] = text
        }
        for member in members { try put(member.key, member.value.integer, isAdded: false) }
        for token in added { try put(token.text, Int(token.id), isAdded: true) }

        var result = ByteLevelVocabulary(tokens: tokens, addedIDs: Set(added.map(\.id)), merges: [])
        result.merges = try merges.enumerated().map { number, merge in
            // Older files have "a b", newer ones ["a", "b"].
            let parts = merge.array?.compactMap(\.string) ?? merge.string?.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            guard let parts, parts.count == 2 else { throw problem("merge \(number) is not two tokens") }
            return (parts[0], parts[1])
        }
        result.ignoresMerges = model["ignore_merges"]?.bool ?? false
        if let unknown = model["unk_token"]?.string {
            guard let id = tokens.firstIndex(where: { $0?.utf8.elementsEqual(unknown.utf8) == true }) else {
                throw problem("the unknown token ‘\(unknown)’ is not in the vocabulary")
            }
            guard model["fuse_unk"]?.bool != true else { throw problem("the model has fuse_unk, which is not supported") }
            result.unknownID = Int32(id)
        }
        return result
    }

    func splitters() throws -> [any PieceSplitter] {
        guard let first = root["pre_tokenizer"] else { throw problem("there is no pre-tokenizer, ByteLevel is needed") }
        let stages = first["type"]?.string == "Sequence" ? first["pretokenizers"]?.array ?? [] : [first]
        var result: [any PieceSplitter] = []
        for (number, stage) in stages.enumerated() {
            switch stage["type"]?.string ?? "" {
            case "Digits": result.append(DigitsSplitter(individually: stage["individual_digits"]?.bool ?? false))
            case "Split": result.append(try split(stage))
            case "ByteLevel" where number == stages.count - 1:
                guard stage["add_prefix_space"]?.bool == false else { throw problem("ByteLevel has add_prefix_space, which is not supported") }
                if stage["use_regex"]?.bool ?? true { result.append(GPT2Splitter()) }
                return result
            case let type: throw problem("the pre-tokenizer ‘\(type)’ is not supported at this place; Digits and Split may stand before a last ByteLevel")
            }
        }
        throw problem("the pre-tokenizer does not end with ByteLevel")
    }

    private func split(_ stage: JSONValue) throws -> any PieceSplitter {
        // Inverted or not, isolated pieces are the same: the matches and what is between them.
        guard stage["behavior"]?.string == "Isolated" else {
            throw problem("the pre-tokenizer Split has the behavior ‘\(stage["behavior"]?.string ?? "")’, supported is Isolated")
        }
        guard let pattern = stage["pattern"]?["Regex"]?.string else { throw problem("the pre-tokenizer Split has no Regex") }
        return pattern == GPT2Splitter.pattern ? GPT2Splitter() : try RegexSplitter(pattern, file: file)
    }

    func checkTheRest() throws {
        if let normalizer = root["normalizer"] {
            throw problem("the normalizer ‘\(normalizer["type"]?.string ?? "")’ is not supported")
        }
        let decoder = root["decoder"]?["type"]?.string ?? "none"
        guard decoder == "ByteLevel" else { throw problem("the decoder is ‘\(decoder)’, supported is ByteLevel") }
        for stage in postProcessors where !["ByteLevel", "TemplateProcessing"].contains(stage["type"]?.string) {
            throw problem("the post-processor ‘\(stage["type"]?.string ?? "")’ is not supported")
        }
    }

    private var postProcessors: [JSONValue] {
        guard let stage = root["post_processor"] else { return [] }
        return stage["type"]?.string == "Sequence" ? stage["processors"]?.array ?? [] : [stage]
    }

    /// The special token that the template puts before a text.
    func firstOfTemplate() -> String? {
        let template = postProcessors.first { $0["type"]?.string == "TemplateProcessing" }
        return template?["single"]?.array?.first?["SpecialToken"]?["id"]?.string
    }
}
