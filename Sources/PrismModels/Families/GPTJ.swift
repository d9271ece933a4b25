import PrismCore

/// GPT-J (Wang and Komatsuzaki 2021): attention and MLP side by side behind one norm, neighbouring pairs rotated.
extension ModelFamily {
    static let gptJ = ModelFamily(
        name: "gptj", gguf: nil,
        huggingFace: Layout(
            architecture: "GPTJForCausalLM",
            configuration: { file, _ in
                let (width, heads) = (try file.required("n_embd", file.integer), try file.required("n_head", file.integer))
                var c = TransformerConfiguration(
                    family: "gptj", width: width, layerCount: try file.required("n_layer", file.integer),
                    headCount: heads, keyValueHeadCount: heads, headWidth: width / max(heads, 1),
                    mlpWidth: try file.integer("n_inner") ?? 4 * width,
                    vocabularySize: try file.required("vocab_size", file.integer),
                    contextLength: try file.integer("n_positions") ?? 2048,
                    normEpsilon: Float(try file.number("layer_norm_epsilon") ?? 1e-5),
                    rotaryWidth: try file.integer("rotary_dim") ?? 64,
                    tiedEmbeddings: try file.bool("tie_word_embeddings") ?? false)
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
