import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTestSupport
import Testing

@Suite struct TokenizerJSONTests {
    @Test(arguments: ["digits", "runs", "plain", "split"]) func agreesWithTheReference(name: String) throws {
        struct Goldens: Decodable { let tokenizers: [String: [TokenizerCase]] }
        let goldens = try JSONDecoder().decode(
            Goldens.self, from: Data(contentsOf: golden("PrismModelsTests", "tiny.json")))
        let tokenizer = try Tokenizer(json: golden("PrismModelsTests", "tiny-\(name).json"))
        for test in try #require(goldens.tokenizers[name]) { test.check(tokenizer) }
        #expect(tokenizer.vocabularyCount == 422)
        #expect(tokenizer.addsBOS == (name == "split"))
        #expect(tokenizer.bosID == (name == "split" ? 0 : nil))
    }

    /// Normalised text, and added tokens that match it.
    @Test(arguments: ["neox", "qwen"]) func normalisesAsTheReference(name: String) throws {
        try check("tiny-\(name).json", "tiny-nfc.json", name)
    }

    /// SentencePiece's models, as Llama 2, Phi-3 (whose added tokens strip), Mistral, Gemma and T5 have them.
    @Test(arguments: ["llama", "mistral", "gemma", "words", "unigram", "never"])
    func marksSpacesAsTheReference(name: String) throws {
        try check("spm-\(name).json", "spm.json", name)
    }

    func check(_ file: String, _ goldens: String, _ name: String) throws {
        struct Goldens: Decodable { let tokenizers: [String: [TokenizerCase]] }
        let goldens = try JSONDecoder().decode(
            Goldens.self, from: Data(contentsOf: golden("PrismModelsTests", goldens)))
        let tokenizer = try Tokenizer(json: golden("PrismModelsTests", file))
        for test in try #require(goldens.tokenizers[name]) { test.check(tokenizer) }
        // Once more, now with remembered pieces.
        for test in try #require(goldens.tokenizers[name]) { test.check(tokenizer) }
    }

    /// Older files say add_prefix_space where newer ones have prepend_scheme.
    @Test(arguments: [("words", "always", "true"), ("never", "never", "false")])
    func readsOldMetaspace(name: String, scheme: String, old: String) throws {
        let text = try String(contentsOf: golden("PrismModelsTests", "spm-\(name).json"), encoding: .utf8)
        let older = text.replacing("\"prepend_scheme\":\"\(scheme)\"", with: "\"add_prefix_space\":\(old)")
        #expect(older != text)
        let (one, two) = (try Self.tokenizer(text), try Self.tokenizer(older))
        for text in ["Hello  world", " x", "", "a<s> b"] {
            #expect(one.encode(text) == two.encode(text))
            #expect(one.decode(one.encode(text)) == two.decode(one.encode(text)))
        }
    }

    @Test func tokensWithMarksAreSpaces() throws {
        let tokenizer = try Tokenizer(json: golden("PrismModelsTests", "spm-llama.json"))
        let ids = tokenizer.encode("the é☃")
        #expect(tokenizer.text(of: ids[0]).hasPrefix(" ") && tokenizer.bosID == 1 && tokenizer.addsBOS)
        #expect(ids.map { tokenizer.bytes(of: $0) }.reduce(Data(), +) == Data(" the é☃".utf8))
        #expect(ids.map { tokenizer.byteCount(of: $0) }.reduce(0, +) == " the é☃".utf8.count)
        #expect(tokenizer.text(of: ids.last!) == "\\x83")
    }

    @Test func configNamesBeginAndEnd() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "tokenizer.json")
            try FileManager.default.copyItem(at: golden("PrismModelsTests", "tiny-plain.json"), to: url)
            try Data(#"{"bos_token": "<s>", "eos_token": {"content": "</s>"}, "add_bos_token": true}"#.utf8)
                .write(to: folder.appending(path: "tokenizer_config.json"))
            let tokenizer = try Tokenizer(json: url)
            #expect(tokenizer.bosID == 0 && tokenizer.eosID == 1 && !tokenizer.addsBOS)
        }
    }

    static let valid =
        #"{"added_tokens":[{"id":3,"content":"<s>","special":true}],"normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"post_processor":null,"decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}"#

    static func tokenizer(_ text: String) throws -> Tokenizer {
        try Tokenizer(json: FileBytes(Data(text.utf8), name: "tokenizer.json"), config: nil)
    }

    @Test func smallestFile() throws {
        #expect(try Self.tokenizer(Self.valid).encode("aab<s>cb") == [0, 2, 3, 1])
        #expect(
            try Self.tokenizer(Self.valid.replacing("\"merges\"", with: "\"unk_token\":\"<s>\",\"merges\"")).encode(
                "acb") == [0, 3, 1])
    }

    @Test(arguments: [
        ("\"BPE\"", "\"Unigram\"", "‘Unigram’, supported with ByteLevel is BPE"),
        ("\"merges\"", "\"byte_fallback\":true,\"merges\"", "byte_fallback"),
        ("\"merges\"", "\"dropout\":0.1,\"merges\"", "dropout"),
        ("\"merges\"", "\"end_of_word_suffix\":\"</w>\",\"merges\"", "end_of_word_suffix"),
        ("\"normalizer\":null", "\"normalizer\":{\"type\":\"Precompiled\"}", "normalizer ‘Precompiled’"),
        ("\"add_prefix_space\":false", "\"add_prefix_space\":true", "add_prefix_space"),
        ("{\"type\":\"ByteLevel\",\"add", "{\"type\":\"Metaspace\",\"add", "Metaspace has the replacement ‘’"),
        ("{\"type\":\"ByteLevel\",\"add", "{\"type\":\"WhitespaceSplit\",\"add", "pre-tokenizer ‘WhitespaceSplit’"),
        ("\"pre_tokenizer\":{", "\"pre_tokenizer\":null,\"x\":{", "only one is ByteLevel"),
        (
            "\"normalizer\":null", "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"a\"}}",
            "Replace is not one of texts"
        ),
        ("\"decoder\":{\"type\":\"ByteLevel\"}", "\"decoder\":null", "decoder is ‘none’"),
        ("\"special\":true", "\"single_word\":true", "single_word"),
        ("\"post_processor\":null", "\"post_processor\":{\"type\":\"BertProcessing\"}", "‘BertProcessing’"),
        ("\"b\":1", "\"b\":0", "have the same id 0"), ("\"b\":1", "\"b\":1000000000", "is impossible"),
        ("\"b\":1", "\"b\":-1", "is impossible"),
        ("\"a b\"", "\"a c\"", "that the vocabulary does not have"), ("\"a b\"", "\"a b\",\"a b\"", "occurs twice"),
        ("\"a b\"", "\"ab\"", "is not two tokens"),
    ])
    func refusesByName(part: String, replacement: String, message: String) {
        let text = Self.valid.replacing(part, with: replacement)
        #expect(text != Self.valid)
        let error = #expect(throws: PrismError.self) { try Self.tokenizer(text) }
        #expect(error?.message.contains(message) == true && error?.kind == .badData, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ("spm-llama", "byte_fallback\":true", "byte_fallback\":false", "only one has byte fall-back"),
        ("spm-llama", "\"<0x41>\":", "\"<0x41]\":", "no token for the byte 65"),
        ("spm-llama", "{\"type\":\"ByteFallback\"},", "{\"type\":\"CTC\"},", "the decoder is ‘CTC’"),
        (
            "spm-gemma", "{\"String\":\" \"},\"content\":\"▁\"", "{\"String\":\"x\"},\"content\":\"y\"",
            "only where none are left"
        ),
        ("spm-words", "\"prepend_scheme\":\"always\"", "\"prepend_scheme\":\"last\"", "prepend_scheme ‘last’"),
    ])
    func refusesMarksByName(file: String, part: String, replacement: String, message: String) throws {
        let text = try String(contentsOf: golden("PrismModelsTests", file + ".json"), encoding: .utf8)
        let damaged = text.replacing(part, with: replacement)
        #expect(text != damaged)
        let error = #expect(throws: PrismError.self) { try Self.tokenizer(damaged) }
        #expect(error?.message.contains(message) == true && error?.kind == .badData, "\(error?.message ?? "")")
    }

    @Test(arguments: ["tiny-split", "spm-llama", "spm-unigram", "spm-words"])
    func damagedFilesNeverCrash(name: String) throws {
        let data = try Data(contentsOf: golden("PrismModelsTests", name + ".json"))
        forEachMutation(of: data, header: 1600, count: 1500, cuts: 1000) { damaged, what in
            do {
                let tokenizer = try Tokenizer(json: FileBytes(damaged, name: "damaged.json"), config: nil)
                _ = tokenizer.decode(tokenizer.encode("<s>Hello, wörld 123\r\n  x</s>"))
            } catch {
                #expect(error is PrismError, "\(what): \(error)")
            }
        }
    }
}
