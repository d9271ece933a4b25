import PrismCore

/// Mistral (Jiang et al. 2023): Llama with a sliding window in its first version. Its GGUF files call themselves llama.
extension ModelFamily {
    static let mistral = ModelFamily(
        name: "mistral", gguf: nil,
        huggingFace: Layout(
            architecture: "MistralForCausalLM",
            configuration: { file, _ in
                var c = try file.llamaConfiguration("mistral")
                c.window = try file.integer("sliding_window")
                if c.window != nil { c.windowedLayers = try file.windowedLayers(c.layerCount) { _ in true } }
                return c
            }, places: .llama, ignored: ["rotary_emb.inv_freq"]))
}
