import PrismCore

/// OLMo 2 (OLMo Team 2024): norms of what attention and MLP add, and of all queries and all keys together.
extension ModelFamily {
    static let olmo2 = ModelFamily(
        name: "olmo2",
        gguf: Layout(
            architecture: "olmo2",
            configuration: { try $0.ggufConfiguration("olmo2", "olmo2", $1).asOLMo2 }, places: .gguf),
        huggingFace: Layout(
            architecture: "Olmo2ForCausalLM",
            configuration: { file, _ in
                try file.refuse("attention_bias", unless: false, try file.bool("attention_bias"))
                return try file.llamaConfiguration("olmo2").asOLMo2
            },
            places: .llama.with([
                .attentionPostNorm: "model.layers.#.post_attention_layernorm",
                .mlpPostNorm: "model.layers.#.post_feedforward_layernorm",
            ])))
}

extension TransformerConfiguration {
    fileprivate var asOLMo2: Self {
        var c = self
        (c.norms, c.queryKeyNorm) = (.after, .all)
        return c
    }
}
