import PrismCore

/// GPT-J (Wang and Komatsuzaki 2021): attention and MLP side by side behind one norm, neighbouring pairs rotated.
extension ModelFamily {
    static let gptJ = ModelFamily(
        name: "gptj", gguf: nil,
        huggingFace: Layout(
            architecture: "GPTJForCausalLM",
            configuration: { file, _ in
                var c = try file.gptConfiguration("gptj", tied: false)
                c.rotaryWidth = try file.integer("rotary_dim") ?? 64
                c.arrangement = .parallelSharingNorm
                (c.normsAreCentred, c.isGated, c.mlpBias, c.unembeddingBias) = (true, false, true, true)
                c.activation = try file.activation("activation_function") ?? .geluTanh
                return c
            },
            places: [
                .embedding: "transformer.wte", .attentionNorm: "transformer.h.#.ln_1",
                .query: "transformer.h.#.attn.q_proj", .key: "transformer.h.#.attn.k_proj",
                .value: "transformer.h.#.attn.v_proj", .attentionOut: "transformer.h.#.attn.out_proj",
                .up: "transformer.h.#.mlp.fc_in", .down: "transformer.h.#.mlp.fc_out",
                .finalNorm: "transformer.ln_f", .unembedding: "lm_head",
            ],
            interleavedRotary: true,
            ignored: [".attn.bias", ".attn.masked_bias", ".attn.embed_positions", "rotary_emb.inv_freq"]))
}
