import PrismCore

/// GPT-2 (Radford et al. 2019): learned positions, layer norms, biases everywhere, matrices stored [inputs, outputs].
extension ModelFamily {
    static let gpt2 = ModelFamily(
        name: "gpt2",
        gguf: Layout(
            architecture: "gpt2",
            configuration: { file, weights in
                var c = try file.ggufConfiguration("gpt2", "gpt2", weights, norm: "layer_norm_epsilon").asGPT2
                c.activation = .geluTanh
                return c
            }, places: .gguf.with(Place.fused("blk.#.attn_qkv"))),
        huggingFace: Layout(
            architecture: "GPT2LMHeadModel",
            configuration: { file, _ in
                try file.refuse("scale_attn_weights", unless: true, try file.bool("scale_attn_weights"))
                try file.refuse(
                    "scale_attn_by_inverse_layer_idx", unless: false, try file.bool("scale_attn_by_inverse_layer_idx"))
                try file.refuse("add_cross_attention", unless: false, try file.bool("add_cross_attention"))
                var c = try file.gptConfiguration("gpt2", tied: true).asGPT2
                c.activation = try file.activation("activation_function") ?? .geluTanh
                return c
            },
            places: [
                .embedding: "transformer.wte", .positions: "transformer.wpe",
                .attentionNorm: "transformer.h.#.ln_1",
                .attentionOut: Place("transformer.h.#.attn.c_proj", isTransposed: true),
                .mlpNorm: "transformer.h.#.ln_2", .up: Place("transformer.h.#.mlp.c_fc", isTransposed: true),
                .down: Place("transformer.h.#.mlp.c_proj", isTransposed: true), .finalNorm: "transformer.ln_f",
                .unembedding: "lm_head",
            ].with(Place.fused("transformer.h.#.attn.c_attn", isTransposed: true)),
            ignored: [".attn.bias", ".attn.masked_bias"]))
}

extension TransformerConfiguration {
    /// With what all GPT-2s have.
    var asGPT2: Self {
        var c = self
        (c.rotaryWidth, c.normsAreCentred, c.isGated) = (0, true, false)
        (c.queryKeyValueBias, c.attentionOutBias, c.mlpBias) = (true, true, true)
        return c
    }
}

/// The `config.json` of a GPT-2.
struct GPT2File: Encodable {
    private let architectures = ["GPT2LMHeadModel"]
    private let model_type = "gpt2"
    private let n_embd, n_layer, n_head, n_inner, n_positions, n_ctx, vocab_size: Int
    private let layer_norm_epsilon: Float
    private let activation_function: String
    private let tie_word_embeddings: Bool
    private let bos_token_id = 0, eos_token_id = 0
    private let torch_dtype = "float32"

    /// - shape: of the family gpt2.
    init(_ shape: TransformerConfiguration) {
        (n_embd, n_layer, n_head) = (shape.width, shape.layerCount, shape.headCount)
        (n_inner, n_positions, n_ctx) = (shape.mlpWidth, shape.contextLength, shape.contextLength)
        (vocab_size, layer_norm_epsilon) = (shape.vocabularySize, shape.normEpsilon)
        tie_word_embeddings = shape.tiedEmbeddings
        activation_function = shape.activation == .geluTanh ? "gelu_new" : shape.activation.rawValue
    }
}
