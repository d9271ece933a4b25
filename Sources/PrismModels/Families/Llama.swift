import PrismCore
import PrismFormats

/// Llama and what shares its architecture: SmolLM, TinyLlama, Mistral's first models, … (Touvron et al. 2023).
extension ModelFamily {
    static let llama = ModelFamily(
        name: "llama", ggufArchitecture: "llama", huggingFaceArchitecture: "LlamaForCausalLM",
        gguf: Layout(
            configuration: { file, weights in
                func key(_ name: String) -> String { "llama.\(name)" }
                try file.refuse(key("rope.scaling.type"), unless: "none", try file.string(key("rope.scaling.type")))
                try file.refuse(key("expert_count"), unless: 0, try file.integer(key("expert_count")))
                if weights.shape(of: "rope_freqs.weight") != nil {
                    throw file.problem("‘rope_freqs.weight’ scales the rotary embedding, which is not supported")
                }
                let width = try file.required(key("embedding_length"), file.integer)
                let heads = try file.required(key("attention.head_count"), file.integer)
                let headWidth = try file.integer(key("attention.key_length")) ?? width / max(heads, 1)
                try file.refuse(
                    key("attention.value_length"), unless: headWidth, try file.integer(key("attention.value_length")))
                try file.refuse(
                    key("rope.dimension_count"), unless: headWidth, try file.integer(key("rope.dimension_count")))
                return TransformerConfiguration(
                    family: "llama", width: width, layerCount: try file.required(key("block_count"), file.integer),
                    headCount: heads, keyValueHeadCount: try file.integer(key("attention.head_count_kv")) ?? heads,
                    headWidth: headWidth, mlpWidth: try file.required(key("feed_forward_length"), file.integer),
                    vocabularySize: try file.integer(key("vocab_size")) ?? weights.shape(of: "token_embd.weight")?.first
                        ?? 0,
                    contextLength: try file.required(key("context_length"), file.integer),
                    normEpsilon: Float(try file.required(key("attention.layer_norm_rms_epsilon"), file.number)),
                    ropeTheta: Float(try file.number(key("rope.freq_base")) ?? 10_000),
                    tiedEmbeddings: weights.shape(of: "output.weight") == nil)
            },
            names: WeightNames(
                embedding: "token_embd.weight",
                attentionNorm: "blk.#.attn_norm.weight", query: "blk.#.attn_q.weight", key: "blk.#.attn_k.weight",
                value: "blk.#.attn_v.weight", attentionOut: "blk.#.attn_output.weight",
                mlpNorm: "blk.#.ffn_norm.weight", gate: "blk.#.ffn_gate.weight", up: "blk.#.ffn_up.weight",
                down: "blk.#.ffn_down.weight", finalNorm: "output_norm.weight", unembedding: "output.weight"),
            interleavedRotary: true),
        huggingFace: Layout(
            configuration: { file, _ in
                try file.refuse("hidden_act", unless: "silu", try file.string("hidden_act"))
                try file.refuse("attention_bias", unless: false, try file.bool("attention_bias"))
                try file.refuse("mlp_bias", unless: false, try file.bool("mlp_bias"))
                // Until 2025 the file held rope_theta and rope_scaling, since then both in rope_parameters.
                for rope in ["rope_scaling", "rope_parameters"] {
                    for type in ["\(rope).rope_type", "\(rope).type"] {
                        try file.refuse(type, unless: "default", try file.string(type))
                    }
                }
                let width = try file.required("hidden_size", file.integer)
                let heads = try file.required("num_attention_heads", file.integer)
                return TransformerConfiguration(
                    family: "llama", width: width, layerCount: try file.required("num_hidden_layers", file.integer),
                    headCount: heads, keyValueHeadCount: try file.integer("num_key_value_heads") ?? heads,
                    headWidth: try file.integer("head_dim") ?? width / max(heads, 1),
                    mlpWidth: try file.required("intermediate_size", file.integer),
                    vocabularySize: try file.required("vocab_size", file.integer),
                    contextLength: try file.integer("max_position_embeddings") ?? 2048,
                    normEpsilon: Float(try file.required("rms_norm_eps", file.number)),
                    ropeTheta: Float(
                        try file.number("rope_parameters.rope_theta") ?? file.number("rope_theta") ?? 10_000),
                    tiedEmbeddings: try file.bool("tie_word_embeddings") ?? false)
            },
            names: WeightNames(
                embedding: "model.embed_tokens.weight",
                attentionNorm: "model.layers.#.input_layernorm.weight", query: "model.layers.#.self_attn.q_proj.weight",
                key: "model.layers.#.self_attn.k_proj.weight", value: "model.layers.#.self_attn.v_proj.weight",
                attentionOut: "model.layers.#.self_attn.o_proj.weight",
                mlpNorm: "model.layers.#.post_attention_layernorm.weight", gate: "model.layers.#.mlp.gate_proj.weight",
                up: "model.layers.#.mlp.up_proj.weight", down: "model.layers.#.mlp.down_proj.weight",
                finalNorm: "model.norm.weight", unembedding: "lm_head.weight"),
            interleavedRotary: false))
}
