import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTestSupport
import Testing

@Suite struct TokenizerGGUFTests {
    let url = golden("PrismModelsTests", "tiny.gguf")

    /// The same tokenizers as in other kinds of files.
    @Test(arguments: [("tiny", "digits", "tiny"), ("tiny-llama3", "split", "tiny"), ("tiny-qwen", "qwen", "tiny-nfc")])
    func agreesWithTheJSON(file: String, name: String, goldens: String) throws {
        struct Goldens: Decodable { let tokenizers: [String: [TokenizerCase]] }
        let goldens = try JSONDecoder().decode(
            Goldens.self, from: Data(contentsOf: golden("PrismModelsTests", goldens + ".json")))
        let tokenizer = try Tokenizer(GGUFFile(golden("PrismModelsTests", file + ".gguf")))
        for test in try #require(goldens.tokenizers[name]) { test.check(tokenizer) }
    }

    @Test(arguments: ["llama", "unigram", "mapped"]) func agreesWithTheModelFile(name: String) throws {
        struct Goldens: Decodable { let models: [String: [TokenizerCase]] }
        let goldens = try JSONDecoder().decode(
            Goldens.self, from: Data(contentsOf: golden("PrismModelsTests", "spm.json")))
        let tokenizer = try Tokenizer(GGUFFile(golden("PrismModelsTests", "spm-\(name).gguf")))
        for test in try #require(goldens.models[name]) { test.check(tokenizer) }
        #expect(tokenizer.bosID == 1 && tokenizer.eosID == 2 && tokenizer.addsBOS == (name == "llama"))
    }

    @Test func zeroIsATokenLikeAnyOther() throws {
        let tokenizer = try Tokenizer(GGUFFile(url))
        #expect(tokenizer.bosID == 0 && tokenizer.eosID == 1 && tokenizer.addsBOS)
    }

    /// Overwrites a text in the file by one of the same length.
    @Test(arguments: [
        ("smollm", "qwen42", "pre-tokenizer is ‘qwen42’, supported are ‘dbrx’, ‘gpt-2’, "),
        ("gpt2", "bert", "model is ‘bert’"),
        ("tokenizer.ggml.merges", "tokenizer.ggml.mergez", "no metadata ‘tokenizer.ggml.merges’"),
        ("tokenizer.ggml.pre", "tokenizer.ggml.prx", "no metadata ‘tokenizer.ggml.pre’"),
        ("Ġ s", "Ġ \u{7f}", "that the vocabulary does not have"),
    ])
    func refusesByName(part: String, replacement: String, message: String) throws {
        var data = try Data(contentsOf: url)
        let range = try #require(data.range(of: Data(part.utf8)))
        data.replaceSubrange(
            range,
            with: Data(replacement.utf8).prefix(range.count) + Data(count: max(0, range.count - replacement.utf8.count))
        )
        let error = #expect(throws: PrismError.self) { try Tokenizer(GGUFFile(FileBytes(data, name: "model.gguf"))) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: ["tiny", "spm-llama", "spm-mapped"]) func damagedFilesNeverCrash(name: String) throws {
        let data = try Data(contentsOf: golden("PrismModelsTests", name + ".gguf"))
        forEachMutation(of: data, header: data.count, count: 1500, cuts: 1000) { damaged, what in
            do {
                let tokenizer = try Tokenizer(GGUFFile(FileBytes(damaged, name: "damaged.gguf")))
                _ = tokenizer.decode(tokenizer.encode("<s>Hello, wörld 123\r\n  x</s>"))
            } catch {
                #expect(error is PrismError, "\(what): \(error)")
            }
        }
    }
}
