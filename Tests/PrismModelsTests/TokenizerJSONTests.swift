import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTestSupport
import Testing

@Suite struct TokenizerJSONTests {
    @Test(arguments: ["digits", "runs", "plain", "split"]) func agreesWithTheReference(name: String) throws {
        struct Goldens: Decodable { let tokenizers: [String: [TokenizerCase]] }
        let goldens = try JSONDecoder().decode(Goldens.self, from: Data(contentsOf: golden("PrismModelsTests", "tiny.json")))
        let tokenizer = try Tokenizer(json: golden("PrismModelsTests", "tiny-\(name).json"))
        for test in try #require(goldens.tokenizers[name]) { test.check(tokenizer) }
        #expect(tokenizer.vocabularyCount == 423)
        #expect(tokenizer.addsBOS == (name == "split"))
        #expect(tokenizer.bosID == (name == "split" ? 0 : nil))
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

    static let valid = #"{"added_tokens":[{"id":3,"content":"<s>","special":true}],"normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"post_processor":null,"decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}"#

    static func tokenizer(_ text: String) throws -> Tokenizer {
        try Tokenizer(json: FileBytes(Data(text.utf8), name: "tokenizer.json"), config: nil)
    }

    @Test func smallestFile() throws {
        #expect(try Self.tokenizer(Self.valid).encode("aab<s>cb") == [0, 2, 3, 1])
        #expect(try Self.tokenizer(Self.valid.replacing("\"merges\"", with: "\"unk_token\":\"<s>\",\"merges\"")).encode("acb") == [0, 3, 1])
    }

    @Test(arguments: [
        ("\"BPE\"", "\"Unigram\"", "‘Unigram’"), ("\"merges\"", "\"byte_fallback\":true,\"merges\"", "byte_fallback"),
        ("\"merges\"", "\"dropout\":0.1,\"merges\"", "dropout"), ("\"merges\"", "\"end_of_word_suffix\":\"</w>\",\"merges\"", "end_of_word_suffix"),
        ("\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}", "normalizer ‘NFC’"), ("\"add_prefix_space\":false", "\"add_prefix_space\":true", "add_prefix_space"),
        ("{\"type\":\"ByteLevel\",\"add", "{\"type\":\"Metaspace\",\"add", "pre-tokenizer ‘Metaspace’"),
        ("\"decoder\":{\"type\":\"ByteLevel\"}", "\"decoder\":null", "decoder is ‘none’"), ("\"special\":true", "\"lstrip\":true", "lstrip"),
        ("\"post_processor\":null", "\"post_processor\":{\"type\":\"BertProcessing\"}", "‘BertProcessing’"),
        ("\"b\":1", "\"b\":0", "have the same id 0"), ("\"b\":1", "\"b\":1000000000", "is impossible"), ("\"b\":1", "\"b\":-1", "is impossible"),
        ("\"a b\"", "\"a c\"", "that the vocabulary does not have"), ("\"a b\"", "\"a b\",\"a b\"", "occurs twice"), ("\"a b\"", "\"ab\"", "is not two tokens"),
    ])
    func refusesByName(part: String, replacement: String, message: String) {
        let text = Self.valid.replacing(part, with: replacement)
        #expect(text != Self.valid)
        let error = #expect(throws: PrismError.self) { try Self.tokenizer(text) }
        #expect(error?.message.contains(message) == true && error?.kind == .badData, "\(error?.message ?? "")")
    }

    @Test(arguments: ["tiny-split.json", "tiny-runs.json"]) func damagedFilesNeverCrash(name: String) throws {
        let data = try Data(contentsOf: golden("PrismModelsTests", name))
        forEachMutation(of: data, header: 1400, count: 1500) { damaged, what in
            do {
                let tokenizer = try Tokenizer(json: FileBytes(damaged, name: "damaged.json"), config: nil)
                _ = tokenizer.decode(tokenizer.encode("<s>Hello, wörld 123\r\n  x</s>"))
            } catch {
                #expect(error is PrismError, "\(what): \(error)")
            }
        }
    }
}
