import PrismCore

/// Qwen 3 (Yang et al. 2025): Llama with norms of each head's queries and keys.
extension ModelFamily {
    static let qwen3 = ModelFamily(
        name: "qwen3",
        gguf: Layout(
            architecture: "qwen3",
            configuration: { file, weights in
                var c = try file.ggufConfiguration("qwen3", "qwen3", weights)
                c.queryKeyNorm = .head
                return c
            }, places: .gguf),
        huggingFace: Layout(
            architecture: "Qwen3ForCausalLM",
            configuration: { file, _ in
                var c = try file.llamaConfiguration("qwen3")
                c.queryKeyNorm = .head
                let hasBias = try file.bool("attention_bias") ?? false
                (c.queryKeyValueBias, c.attentionOutBias) = (hasBias, hasBias)
                try file.setQwenWindow(&c)
                return c
            }, places: .llama, ignored: ["rotary_emb.inv_freq"]))
}
