import PrismCore

/// GPT-NeoX (Black et al. 2022), of which Pythia is made: attention and MLP side by side, a part of each head rotated.
extension ModelFamily {
    static let gptNeoX = ModelFamily(
        name: "gptneox",
        gguf: Layout(
            architecture: "gptneox",
            configuration: { file, weights in
                var c = try file.ggufConfiguration("gptneox", "gptneox", weights, norm: "layer_norm_epsilon").asGPTNeoX
                c.arrangement = try file.bool("gptneox.use_parallel_residual") ?? true ? .parallel : .sequential
                return c
            }, places: .gguf.with(Place.fused("blk.#.attn_qkv"))),
        huggingFace: Layout(
            architecture: "GPTNeoXForCausalLM",
            configuration: { file, _ in
                try file.refuse("attention_bias", unless: true, try file.bool("attention_bias"))
                let width = try file.required("hidden_size", file.integer)
                let heads = try file.required("num_attention_heads", file.integer)
                let (theta, scaling) = try file.rope()
                var c = TransformerConfiguration(
                    family: "gptneox", width: width, layerCount: try file.required("num_hidden_layers", file.integer),
                    headCount: heads, keyValueHeadCount: heads, headWidth: width / max(heads, 1),
                    mlpWidth: try file.required("intermediate_size", file.integer),
                    vocabularySize: try file.required("vocab_size", file.integer),
                    contextLength: try file.integer("max_position_embeddings") ?? 2048,
                    normEpsilon: Float(try file.number("layer_norm_eps") ?? 1e-5),
                    ropeTheta: try file.number("rotary_emb_base").map { Float($0) } ?? theta,
                    tiedEmbeddings: try file.bool("tie_word_embeddings") ?? false
                ).asGPTNeoX
                c.ropeScaling = scaling
                let share =
                    try file.number("rotary_pct") ?? file.number("rope_parameters.partial_rotary_factor") ?? 0.25
                guard share > 0, share <= 1 else {
                    throw file.problem("‘rotary_pct’ is \(share); it must lie in (0, 1]")
                }
                c.rotaryWidth = Int(Double(c.headWidth) * share)
                c.activation = try file.activation("hidden_act") ?? .gelu
                c.arrangement = try file.bool("use_parallel_residual") ?? true ? .parallel : .sequential
                return c
            },
            places: [
                .embedding: "gpt_neox.embed_in", .attentionNorm: "gpt_neox.layers.#.input_layernorm",
                .query: ofHeads(0), .key: ofHeads(1), .value: ofHeads(2),
                .attentionOut: "gpt_neox.layers.#.attention.dense",
                .mlpNorm: "gpt_neox.layers.#.post_attention_layernorm",
                .up: "gpt_neox.layers.#.mlp.dense_h_to_4h", .down: "gpt_neox.layers.#.mlp.dense_4h_to_h",
                .finalNorm: "gpt_neox.final_layer_norm", .unembedding: "embed_out",
            ],
            ignored: [".attention.bias", ".attention.masked_bias", "rotary_emb.inv_freq"]))

    /// Queries, keys and values stand head by head in one tensor.
    private static func ofHeads(_ which: Int) -> Place {
        Place("gpt_neox.layers.#.attention.query_key_value") { c in
            let rows = (0..<c.headCount).map { head in
                let first = (3 * head + which) * c.headWidth
                return first..<first + c.headWidth
            }
            return Place.Part(rows: rows, total: 3 * c.queryWidth)
        }
    }
}

extension TransformerConfiguration {
    fileprivate var asGPTNeoX: Self {
        var c = self
        (c.normsAreCentred, c.isGated, c.activation) = (true, false, .gelu)
        (c.queryKeyValueBias, c.attentionOutBias, c.mlpBias) = (true, true, true)
        return c
    }
}
