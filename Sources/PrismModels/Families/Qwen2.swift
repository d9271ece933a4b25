import PrismCore

/// Qwen 2 and 2.5 (Yang et al. 2024): Llama with biases of queries, keys and values.
extension ModelFamily {
    static let qwen2 = ModelFamily(
        name: "qwen2",
        gguf: Layout(
            architecture: "qwen2",
            configuration: { file, weights in
                var c = try file.ggufConfiguration("qwen2", "qwen2", weights)
                c.queryKeyValueBias = true
                return c
            }, places: .gguf),
        huggingFace: Layout(
            architecture: "Qwen2ForCausalLM",
            configuration: { file, _ in
                var c = try file.llamaConfiguration("qwen2")
                c.queryKeyValueBias = true
                try file.setQwenWindow(&c)
                return c
            }, places: .llama, ignored: ["rotary_emb.inv_freq"]))
}

extension ModelMetadata {
    /// The upper layers' window, which Qwen's files describe but, as a rule, do not use.
    func setQwenWindow(_ c: inout TransformerConfiguration) throws {
        guard try bool("use_sliding_window") ?? false else { return }
        c.window = try integer("sliding_window")
        let first = try integer("max_window_layers") ?? 28
        c.windowedLayers = try windowedLayers(c.layerCount) { $0 >= first }
    }
}
