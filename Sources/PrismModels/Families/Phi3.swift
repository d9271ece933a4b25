import PrismCore

/// Phi-3 (Abdin et al. 2024): Llama whose projections are stored as one, with a sliding window.
extension ModelFamily {
    static let phi3 = ModelFamily(
        name: "phi3",
        gguf: Layout(
            architecture: "phi3",
            configuration: { file, weights in
                var c = try file.ggufConfiguration("phi3", "phi3", weights)
                if c.window != nil { c.windowedLayers = Array(0..<max(0, min(c.layerCount, 1 << 16))) }
                return c
            },
            places: .gguf.with(Place.fused("blk.#.attn_qkv")).with(Place.fusedGate("blk.#.ffn_up"))),
        huggingFace: Layout(
            architecture: "Phi3ForCausalLM",
            configuration: { file, _ in
                var c = try file.llamaConfiguration("phi3")
                c.window = try file.integer("sliding_window")
                if c.window != nil { c.windowedLayers = try file.windowedLayers(c.layerCount) { _ in true } }
                return c
            },
            places: .llama.with(Place.fused("model.layers.#.self_attn.qkv_proj"))
                .with(Place.fusedGate("model.layers.#.mlp.gate_up_proj")),
            ignored: ["rotary_emb.inv_freq"]))
}
