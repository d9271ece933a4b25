import PrismCore
import PrismFormats

/// Reads the `model` of a tokenizer.json.
struct TokenizerJSONModel {
    private let model: JSONValue?
    private let added: [AddedTokens.Token]
    /// What added tokens are in normalised text, by id.
    private let addedTexts: [Int32: String]
    private let problem: (String) -> any Error

    init(_ file: TokenizerJSON, _ added: [AddedTokens.Token], _ normaliser: Normaliser) {
        model = file.root["model"]
        self.added = added
        addedTexts = Dictionary(
            added.map { ($0.id, String(decoding: $0.sought(normaliser), as: UTF8.self)) },
            uniquingKeysWith: { first, _ in first })
        problem = file.problem
    }

    private func type() throws -> String {
        // Older files do not name BPE.
        guard let type = model?["type"]?.string ?? (model?["merges"] == nil ? nil : "BPE") else {
            throw problem("there is no ‘model’ of a ‘type’")
        }
        return type
    }

    func byteLevel() throws -> BytePairVocabulary {
        let type = try type()
        guard type == "BPE" else { throw problem("the model is of type ‘\(type)’, supported with ByteLevel is BPE") }
        let vocabulary = try bytePair()
        guard model?["byte_fallback"]?.bool != true else {
            throw problem("the model has byte_fallback, which is not supported with ByteLevel")
        }
        guard vocabulary.unknownID == nil || !vocabulary.fusesUnknown else {
            throw problem("the model has fuse_unk, which is not supported with ByteLevel")
        }
        return vocabulary
    }

    /// A model of characters with ▁ for spaces. - fallsBackToBytes: what the decoder expects.
    func built(fallsBackToBytes: Bool) throws -> (Vocabulary, any PieceEncoder, [any PieceSplitter]) {
        guard model?["byte_fallback"]?.bool ?? false == fallsBackToBytes else {
            throw problem("of model and decoder only one has byte fall-back, which is not supported")
        }
        switch try type() {
        case "BPE":
            var contents = try bytePair()
            contents.kind = .characters(bytes: fallsBackToBytes)
            let (vocabulary, encoder) = try contents.built(problem)
            let texts = contents.tokens.enumerated().lazy.filter { addedTexts[Int32($0.offset)] == nil }
                .compactMap { $0.element.map { Array($0.utf8) } }
            return (vocabulary, encoder, WordSplitter.withoutEffect(on: texts).map { [$0] } ?? [])
        case "Unigram": return try unigram(fallsBackToBytes)
        case let type: throw problem("the model is of type ‘\(type)’, supported are BPE and Unigram")
        }
    }

    /// Tokens by id: the vocabulary's and the added ones.
    private func tokens(_ members: [(text: String, id: Int?)]) throws -> [String?] {
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
        for member in members { try put(member.text, member.id, isAdded: false) }
        for token in added { try put(token.text, Int(token.id), isAdded: true) }
        return tokens
    }

    private func bytePair() throws -> BytePairVocabulary {
        guard model?["dropout"] == nil else { throw problem("the model has dropout, which is not supported") }
        for key in ["continuing_subword_prefix", "end_of_word_suffix"] where !(model?[key]?.string ?? "").isEmpty {
            throw problem("the model has \(key), which is not supported")
        }
        guard let members = model?["vocab"]?.object, let merges = model?["merges"]?.array else {
            throw problem("the model has no ‘vocab’ or no ‘merges’")
        }
        var result = BytePairVocabulary(
            tokens: try tokens(members.map { ($0.key, $0.value.integer) }), added: addedTexts, merges: [])
        result.merges = try merges.enumerated().map { number, merge in
            // Older files have "a b", newer ones ["a", "b"].
            let parts =
                merge.array?.compactMap(\.string)
                ?? merge.string?.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            guard let parts, parts.count == 2 else { throw problem("merge \(number) is not two tokens") }
            return (parts[0], parts[1])
        }
        result.ignoresMerges = model?["ignore_merges"]?.bool ?? false
        result.fusesUnknown = model?["fuse_unk"]?.bool ?? false
        if let unknown = model?["unk_token"]?.string {
            guard let id = result.tokens.firstIndex(where: { $0?.utf8.elementsEqual(unknown.utf8) == true }) else {
                throw problem("the unknown token ‘\(unknown)’ is not in the vocabulary")
            }
            result.unknownID = Int32(id)
        }
        return result
    }

    private func unigram(_ fallsBackToBytes: Bool) throws -> (Vocabulary, any PieceEncoder, [any PieceSplitter]) {
        let entries = try (model?["vocab"]?.array ?? []).enumerated().map { id, entry in
            guard let text = entry.array?.first?.string, entry.array?.count == 2, !text.isEmpty,
                let score = entry.array?[1].double, score.isFinite
            else {
                throw problem("token \(id) is not a text and a score")
            }
            return UnigramEncoder.Token(text: Array(text.utf8), id: Int32(id), score: score)
        }
        guard Set(entries.map(\.text)).count == entries.count, !entries.isEmpty else {
            throw problem("the model has no ‘vocab’, or a token in it occurs twice")
        }
        let unknownID = model?["unk_id"]?.integer
        guard entries.indices.contains(unknownID ?? 0) else { throw problem("there is no token of the id unk_id") }
        let tokens = try tokens(entries.map { (String(decoding: $0.text, as: UTF8.self), Int($0.id)) })
        var vocabulary = Vocabulary()
        for (id, token) in tokens.enumerated() {
            let byte = fallsBackToBytes ? token.flatMap(SpaceMark.byte) : nil
            vocabulary.append(byte.map { [$0] } ?? SpaceMark.text(of: addedTexts[Int32(id)] ?? token ?? ""))
        }
        let alphabet = SymbolAlphabet(
            characters: [:], bytes: fallsBackToBytes ? try SpaceMark.byteIDs(tokens, problem) : [],
            unknownID: unknownID.map(Int32.init), fusesUnknown: true)
        let encoder = UnigramEncoder(
            entries, unknownScore: entries.map(\.score).min()! - 10, isSingle: false, alphabet: alphabet)
        return (vocabulary, encoder, [])
    }
}

extension JSONValue {
    fileprivate var double: Double? {
        if case .number(let value) = self { value } else { integer.map(Double.init) }
    }
}
