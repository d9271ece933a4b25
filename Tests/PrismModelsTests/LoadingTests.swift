import Foundation
import PrismCore
import PrismFormats
import PrismModels
import PrismTensor
import PrismTestSupport
import Testing

/// Models that must be refused, each with a message that says where, what was expected and what was found.
@Suite struct LoadingTests {
    /// The error of loading a copy of the tiny model that `change` has damaged.
    private func message(
        _ kind: PrismError.Kind = .badData, _ name: String = "tiny-llama", _ change: (URL) throws -> Void
    ) throws -> String {
        try withTemporaryFolder { folder in
            let copy = folder.appending(path: name)
            try FileManager.default.copyItem(at: goldens.appending(path: name), to: copy)
            try change(copy)
            do {
                _ = try Transformer(loading: copy, backend: ReferenceBackend())
                return "loaded"
            } catch {
                #expect((error as? PrismError)?.kind == kind, "\(error)")
                return "\(error)"
            }
        }
    }

    private func edit(_ folder: URL, _ old: String, _ new: String) throws {
        let url = folder.appending(path: "config.json")
        let text = try String(contentsOf: url, encoding: .utf8)
        #expect(text.contains(old))
        try text.replacing(old, with: new).write(to: url, atomically: true, encoding: .utf8)
    }

    @Test(arguments: [
        ("\"LlamaForCausalLM\"", "\"BertModel\"", ["BertModel", "supported: GPT2LMHeadModel, ", "LlamaForCausalLM"]),
        ("\"hidden_size\": 32", "\"hidden_size\": 48", ["model.embed_tokens.weight", "[64, 32]", "[64, 48]"]),
        ("\"hidden_size\": 32", "\"hidden_size\": \"x\"", ["hidden_size", "must be an integer"]),
        ("\"hidden_size\"", "\"n_embd\"", ["there is no ‘hidden_size’"]),
        ("\"hidden_size\": 32", "\"hidden_size\": -1", ["width", "-1"]),
        ("\"head_dim\": 8", "\"head_dim\": 16", ["q_proj", "[32, 32]", "[64, 32]"]),
        ("\"head_dim\": 8", "\"head_dim\": 7", ["turns pairs", "cannot turn 7"]),
        ("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3", ["4 heads cannot share 3"]),
        ("\"num_key_value_heads\": 2", "\"num_key_value_heads\": 0", ["key/value heads", "0"]),
        ("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 2", ["2 layers are stated", "model.layers.2."]),
        ("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 4", ["model.layers.3."]),
        ("\"hidden_act\": \"silu\"", "\"hidden_act\": \"mish\"", ["hidden_act", "mish", "silu"]),
        ("\"attention_bias\": false", "\"attention_bias\": true", ["layers.0.self_attn.q_proj.bias"]),
        ("\"rope_type\": \"default\"", "\"rope_type\": \"yarn\"", ["rope_type", "yarn", "llama3"]),
        ("\"rope_type\": \"default\"", "\"rope_type\": \"llama3\"", ["RoPE scaling", "‘factor’"]),
        ("\"rope_type\": \"default\"", "\"rope_type\": \"linear\", \"factor\": 0", ["RoPE scaling", "0.0"]),
    ])
    func aConfigurationThatCannotBe(old: String, new: String, parts: [String]) throws {
        let message = try message { try edit($0, old, new) }
        for part in parts + [
            ["hidden_size\": 48", "\": 4", "\": 16", "\": true"].contains { new.contains($0) }
                ? "safetensors" : "config.json"
        ] {
            #expect(message.contains(part), "‘\(part)’ in ‘\(message)’")
        }
    }

    @Test func ropeScalingsThatContradictEachOtherAreRefused() throws {
        let message = try message {
            try edit(
                $0, "\"rope_parameters\"",
                "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2},\n \"rope_parameters\"")
        }
        #expect(message.contains("rope_type") && message.contains("default and linear"))
    }

    @Test func foldersAndFilesThatAreNoModel() throws {
        let noConfig = try message { try FileManager.default.removeItem(at: $0.appending(path: "config.json")) }
        #expect(noConfig.contains("no config.json"))
        let noWeights = try message { try FileManager.default.removeItem(at: $0.appending(path: "model.safetensors")) }
        #expect(noWeights.contains("neither model.safetensors nor model.safetensors.index.json"))
        let noShard = try message(.usage, "tiny-llama-sharded") {
            try FileManager.default.removeItem(at: $0.appending(path: "model-00002-of-00002.safetensors"))
        }
        #expect(noShard.contains("model-00002-of-00002.safetensors"))
        let gone = try message(.usage) { try FileManager.default.removeItem(at: $0) }
        #expect(gone.contains("there is no model"))
        let weights = goldens.appending(path: "tiny-llama/model.safetensors")
        #expect(throws: PrismError.self) { try Transformer(loading: weights, backend: ReferenceBackend()) }
    }

    @Test func tensorsThatAreMissingOrTooMany() throws {
        func rename(_ old: String, _ new: String) -> (URL) throws -> Void {
            { folder in
                let url = folder.appending(path: "model.safetensors")
                // Names of equal length, so that the header's length stays.
                let bytes = try Data(contentsOf: url)
                let range = try #require(bytes.range(of: Data(old.utf8)))
                try bytes[..<range.lowerBound].appending(Data(new.utf8)).appending(bytes[range.upperBound...]).write(
                    to: url)
            }
        }
        let missing = try message(
            .badData, "tiny-llama", rename("layers.1.mlp.up_proj.weight", "layers.1.mlp.xx_proj.weight"))
        #expect(missing.contains("model.layers.1.mlp.up_proj.weight") && missing.contains("model.safetensors"))
        let untied = try message(.badData, "tiny-llama", rename("lm_head.weight", "lm_hoax.weight"))
        #expect(untied.contains("lm_head.weight"))
        let bias = try message(.badData, "tiny-llama", rename("lm_head.weight", "lm_head.x.bias"))
        #expect(bias.contains("lm_head"))
    }

    @Test func numbersThatAreNone() throws {
        let message = try message { folder in
            let url = folder.appending(path: "model.safetensors")
            var bytes = try Data(contentsOf: url)
            // The last number of the last tensor, in bf16.
            bytes.replaceSubrange(bytes.count - 2..<bytes.count, with: [0xc0, 0x7f])
            try bytes.write(to: url)
        }
        #expect(message.contains("not finite") && message.contains("the tensor ‘"))
    }

    @Test func aTokenizerOfAnotherModel() throws {
        let model = try Tiny.model()
        let url = try realModel()
        do {
            _ = try model.tokenizer(loading: url)
            Issue.record("a tokenizer of 49,152 tokens was taken for a model of 64")
        } catch let error as PrismError {
            #expect(error.kind == .badData)
            #expect(error.message.contains("49152 tokens") && error.message.contains("embeds 64"))
        }
        let real = try Transformer(loading: url, backend: CPUBackend())
        #expect(try real.tokenizer(loading: url).vocabularyCount == real.configuration.vocabularySize)
    }

    @Test(arguments: [
        (
            "general.architecture\u{8}\0\0\0\u{5}\0\0\0\0\0\0\0llama",
            "general.architecture\u{8}\0\0\0\u{5}\0\0\0\0\0\0\0mamba", ["mamba", "supported: gpt2, ", "llama"]
        ),
        ("llama.block_count", "llama.block_xount", ["there is no ‘llama.block_count’"]),
        (
            "llama.rope.dimension_count\u{4}\0\0\0\u{8}", "llama.rope.dimension_count\u{4}\0\0\0\u{5}",
            ["turns pairs", "cannot turn 5 of a head's 8"]
        ),
        ("blk.1.ffn_up.weight", "blk.1.ffn_ux.weight", ["blk.1.ffn_up.weight"]),
    ])
    func ggufFilesThatCannotBe(old: String, new: String, parts: [String]) throws {
        let message = try message(.badData, "tiny-llama.gguf") { url in
            let bytes = try Data(contentsOf: url)
            let range = try #require(bytes.range(of: Data(old.utf8)))
            try bytes[..<range.lowerBound].appending(Data(new.utf8)).appending(bytes[range.upperBound...]).write(
                to: url)
        }
        for part in parts + ["tiny-llama.gguf"] { #expect(message.contains(part), "‘\(part)’ in ‘\(message)’") }
    }
}

extension Data {
    fileprivate func appending(_ other: Data) -> Data { self + other }
}
