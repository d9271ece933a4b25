import PrismCore

/// Llama 1 to 3 and what shares its architecture: SmolLM, TinyLlama, … (Touvron et al. 2023, Llama Team 2024).
extension ModelFamily {
    static let llama = ModelFamily(
        name: "llama",
        gguf: Layout(
            architecture: "llama", configuration: { try $0.ggufConfiguration("llama", "llama", $1) }, places: .gguf,
            interleavedRotary: true, ignored: ["rope_freqs.weight"]),
        huggingFace: Layout(
            architecture: "LlamaForCausalLM",
            configuration: { file, _ in
                var c = try file.llamaConfiguration("llama")
                let hasBias = try file.bool("attention_bias") ?? false
                (c.queryKeyValueBias, c.attentionOutBias) = (hasBias, hasBias)
                c.mlpBias = try file.bool("mlp_bias") ?? false
                return c
            }, places: .llama, ignored: ["rotary_emb.inv_freq"]))
}
