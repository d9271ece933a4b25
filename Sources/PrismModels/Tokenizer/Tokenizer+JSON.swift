import Foundation
import PrismCore
import PrismFormats

extension Tokenizer {
    /// The tokenizer of a Hugging Face `tokenizer.json`: byte-level BPE with the pre-tokenizers ByteLevel, Digits and
    /// Split, or SentencePiece's BPE and unigram models with ▁ for spaces, with or without byte fall-back.
    ///
    /// A `tokenizer_config.json` in the same folder, if there is one, names the tokens that begin and end a text.
    /// - Throws: `PrismError.badData` that names what is missing or not supported.
    public init(json url: URL) throws {
        try self.init(json: FileBytes(url), config: TokenizerConfiguration(beside: url))
    }

    package init(json file: FileBytes, config: FileBytes?) throws {
        try self.init(json: file, config: config.map { try TokenizerConfiguration($0) })
    }

    private init(json file: FileBytes, config: TokenizerConfiguration?) throws {
        let reader = TokenizerJSON(file: file, root: try JSONValue(file))
        let added = try reader.addedTokens()
        let normaliser = try reader.normaliser()
        let cutting = try reader.preTokenizer(after: normaliser)
        let decoding = try reader.decoding()
        try reader.checkPostProcessors()
        guard cutting.isByteLevel == (decoding == nil) else {
            throw reader.problem("of pre-tokenizer and decoder only one is ByteLevel, which is not supported")
        }
        let model = TokenizerJSONModel(reader, added, normaliser)
        var ownSplitters: [any PieceSplitter] = []
        if let decoding {
            (vocabulary, encoder, ownSplitters) = try model.built(fallsBackToBytes: decoding.bytes)
        } else {
            (vocabulary, encoder) = try model.byteLevel().built(reader.problem)
        }
        splitters = cutting.splitters ?? ownSplitters
        self.normaliser = normaliser
        marker = cutting.marker
        droppedSpaces = decoding?.droppedSpaces ?? 0
        let known = AddedTokens(added, normaliser)
        self.added = known

        let begin = reader.firstOfTemplate()
        addsBOS = begin != nil
        bosID = (begin ?? config?.token("bos_token")).flatMap(known.id)
        eosID = config?.token("eos_token").flatMap(known.id)
        guard begin == nil || bosID != nil else {
            throw reader.problem("‘\(begin!)’ begins each text, but is no added token")
        }
    }
}

/// Reads the parts of a tokenizer.json around the model; what it does not know it refuses by name.
struct TokenizerJSON {
    let file: FileBytes
    let root: JSONValue

    func problem(_ text: String) -> any Error {
        file.problem(text, remedy: "use a model with a supported tokenizer")
    }

    func addedTokens() throws -> [AddedTokens.Token] {
        try (root["added_tokens"]?.array ?? []).map { token in
            guard let text = token["content"]?.string, !text.isEmpty, let number = token["id"]?.integer,
                let id = Int32(exactly: number), id >= 0
            else {
                throw problem("an added token has no content or no id")
            }
            guard token["single_word"]?.bool != true else {
                throw problem("the added token ‘\(text)’ has single_word, which is not supported")
            }
            let isSpecial = token["special"]?.bool ?? false
            return AddedTokens.Token(
                text: text, id: id, isSpecial: isSpecial, matchesNormalised: token["normalized"]?.bool ?? !isSpecial,
                stripsLeft: token["lstrip"]?.bool ?? false, stripsRight: token["rstrip"]?.bool ?? false)
        }
    }

    /// The stages of a component, which may be one or a Sequence.
    private func stages(_ component: String, _ list: String) -> [JSONValue] {
        guard let first = root[component] else { return [] }
        return first["type"]?.string == "Sequence" ? first[list]?.array ?? [] : [first]
    }

    func normaliser() throws -> Normaliser {
        try Normaliser(
            steps: stages("normalizer", "normalizers").map { stage in
                switch stage["type"]?.string ?? "" {
                case "Prepend":
                    guard let text = stage["prepend"]?.string else { break }
                    return .prefix(Array(text.utf8))
                case "Replace":
                    guard let pattern = stage["pattern"]?["String"]?.string, !pattern.isEmpty,
                        let content = stage["content"]?.string
                    else { break }
                    return .replace(Array(pattern.utf8), with: Array(content.utf8))
                case "Strip":
                    return .strip(left: stage["strip_left"]?.bool ?? true, right: stage["strip_right"]?.bool ?? true)
                case let type:
                    if let form = Normaliser.Form(rawValue: type) { return .form(form) }
                    throw problem("the normalizer ‘\(type)’ is not supported")
                }
                throw problem("the normalizer \(stage["type"]?.string ?? "") is not one of texts, as is supported")
            })
    }

    struct PreTokenizer {
        var isByteLevel = false
        var marker = Normaliser()
        /// nil: the text is not cut.
        var splitters: [any PieceSplitter]?
    }

    func preTokenizer(after normaliser: Normaliser) throws -> PreTokenizer {
        let stages = stages("pre_tokenizer", "pretokenizers")
        if stages.isEmpty { return PreTokenizer() }
        if stages.count == 1, stages[0]["type"]?.string == "Metaspace" { return try metaspace(stages[0]) }
        if stages.count == 1, stages[0]["pattern"]?["String"]?.string == " ", stages[0]["type"]?.string == "Split" {
            // Gemma's, which has nothing to do: no space comes through its normaliser.
            guard normaliser.leavesNoSpaces else {
                throw problem("the pre-tokenizer Split splits at spaces, which is supported only where none are left")
            }
            return PreTokenizer()
        }
        var splitters: [any PieceSplitter] = []
        for (number, stage) in stages.enumerated() {
            switch stage["type"]?.string ?? "" {
            case "Digits": splitters.append(DigitsSplitter(individually: stage["individual_digits"]?.bool ?? false))
            case "Split": splitters.append(try split(stage))
            case "ByteLevel" where number == stages.count - 1:
                guard stage["add_prefix_space"]?.bool == false else {
                    throw problem("ByteLevel has add_prefix_space, which is not supported")
                }
                if stage["use_regex"]?.bool ?? true { splitters.append(GPT2Splitter()) }
                return PreTokenizer(isByteLevel: true, splitters: splitters)
            case let type:
                throw problem(
                    "the pre-tokenizer ‘\(type)’ is not supported here; Digits and Split may stand before ByteLevel, "
                        + "Metaspace alone")
            }
        }
        throw problem("the pre-tokenizer does not end with ByteLevel")
    }

    private func metaspace(_ stage: JSONValue) throws -> PreTokenizer {
        let scheme = try metaspaceScheme(stage)
        var steps: [Normaliser.Step] = [.replace([0x20], with: SpaceMark.bytes)]
        if scheme != "never" {
            steps.append(.prefix(SpaceMark.bytes, unlessThere: true, onlyFirst: scheme == "first"))
        }
        return PreTokenizer(
            marker: Normaliser(steps: steps),
            splitters: stage["split"]?.bool ?? true ? [WordSplitter(atEachMark: true)] : nil)
    }

    /// Older files have add_prefix_space, newer ones prepend_scheme.
    private func metaspaceScheme(_ stage: JSONValue) throws -> String {
        guard stage["replacement"]?.string == SpaceMark.string else {
            throw problem("Metaspace has the replacement ‘\(stage["replacement"]?.string ?? "")’, supported is ▁")
        }
        let scheme = stage["prepend_scheme"]?.string ?? (stage["add_prefix_space"]?.bool ?? true ? "always" : "never")
        guard ["always", "first", "never"].contains(scheme) else {
            throw problem("Metaspace has the prepend_scheme ‘\(scheme)’, supported are always, first and never")
        }
        return scheme
    }

    private func split(_ stage: JSONValue) throws -> any PieceSplitter {
        // Inverted or not, isolated pieces are the same: the matches and what is between them.
        guard stage["behavior"]?.string == "Isolated" else {
            throw problem(
                "the pre-tokenizer Split has the behavior ‘\(stage["behavior"]?.string ?? "")’, supported is Isolated")
        }
        guard let pattern = stage["pattern"]?["Regex"]?.string else {
            throw problem("the pre-tokenizer Split has no Regex")
        }
        if pattern == GPT2Splitter.pattern { return GPT2Splitter() }
        let scanner = [1, 3].map(Llama3Splitter.init).first { $0.pattern == pattern }
        return try scanner ?? RegexSplitter(pattern, file: file)
    }

    struct Decoding {
        /// Whether tokens such as `<0xE2>` are bytes.
        var bytes = false
        var droppedSpaces = 0
    }

    /// How tokens with ▁ become text; nil for byte-level ones.
    func decoding() throws -> Decoding? {
        let stages = stages("decoder", "decoders")
        let names = stages.map { $0["type"]?.string ?? "" }
        if names == ["ByteLevel"] { return nil }
        var decoding = Decoding()
        var hasMarks = false
        for (name, stage) in zip(names, stages) {
            switch name {
            case "Replace"
            where stage["pattern"]?["String"]?.string == SpaceMark.string && stage["content"]?.string == " ":
                hasMarks = true
            case "Metaspace":
                hasMarks = true
                decoding.droppedSpaces = try metaspaceScheme(stage) == "never" ? 0 : 1
            case "ByteFallback": decoding.bytes = true
            case "Fuse": break
            case "Strip" where stage["content"]?.string == " " && stage["stop"]?.integer == 0:
                decoding.droppedSpaces = max(0, stage["start"]?.integer ?? 0)
            default: throw problem("the decoder is ‘\(name)’ or has it, which is not supported")
            }
        }
        guard hasMarks else {
            let found = names.isEmpty ? "none" : names.joined(separator: ", ")
            throw problem("the decoder is ‘\(found)’, supported are ByteLevel and such as make ▁ a space")
        }
        return decoding
    }

    private var postProcessors: [JSONValue] { stages("post_processor", "processors") }

    func checkPostProcessors() throws {
        for stage in postProcessors where !["ByteLevel", "TemplateProcessing"].contains(stage["type"]?.string) {
            throw problem("the post-processor ‘\(stage["type"]?.string ?? "")’ is not supported")
        }
    }

    /// The special token that the template puts before a text.
    func firstOfTemplate() -> String? {
        let template = postProcessors.first { $0["type"]?.string == "TemplateProcessing" }
        return template?["single"]?.array?.first?["SpecialToken"]?["id"]?.string
    }
}

extension Normaliser {
    fileprivate var leavesNoSpaces: Bool {
        steps.contains { if case .replace([0x20], let new) = $0 { !new.contains(0x20) } else { false } }
    }
}
