import Foundation
import PrismCore
import PrismFormats

/// Gemma 2 (Gemma Team 2024): norms before and after, soft-capped attention and logits, a window in every other layer.
extension ModelFamily {
    static let gemma2 = ModelFamily(
        name: "gemma2",
        gguf: Layout(
            architecture: "gemma2",
            configuration: { file, weights in
                var c = try file.ggufConfiguration("gemma2", "gemma2", weights).asGemma
                c.attentionSoftCap = Float(try file.number("gemma2.attn_logit_softcapping") ?? 50)
                c.logitSoftCap = Float(try file.number("gemma2.final_logit_softcapping") ?? 30)
                // The file does not say: 27B scales by the width of an even share of the stream, the others by the head's.
                if c.layerCount == 46 { c.attentionScale = 1 / (Float(c.width) / Float(c.headCount)).squareRoot() }
                c.window = c.window ?? 4096
                c.windowedLayers = c.layers { $0 % 2 == 0 }
                return c
            }, places: .gguf),
        huggingFace: Layout(
            architecture: "Gemma2ForCausalLM",
            configuration: { file, _ in
                var c = try file.gemmaConfiguration("gemma2")
                c.attentionSoftCap = try file.number("attn_logit_softcapping").map { Float($0) }
                c.logitSoftCap = try file.number("final_logit_softcapping").map { Float($0) }
                c.windowedLayers = try file.windowedLayers(c.layerCount) { $0 % 2 == 0 }
                return c
            }, places: .gemma, normOffset: 1))

    /// Gemma 3's language model (Gemma Team 2025): norms of queries and keys, five windowed layers to one that is not, of
    /// another θ.
    static let gemma3 = ModelFamily(
        name: "gemma3",
        gguf: Layout(
            architecture: "gemma3",
            configuration: { file, weights in
                var c = try file.ggufConfiguration("gemma3", "gemma3", weights).asGemma
                c.queryKeyNorm = .head
                if try file.number("gemma3.rope.freq_base") == nil { c.ropeTheta = 1_000_000 }
                c.windowedRopeTheta = Float(try file.number("gemma3.rope.freq_base_swa") ?? 10_000)
                c.logitSoftCap = try file.number("gemma3.final_logit_softcapping").map { Float($0) }
                if c.layerCount == 62 { c.attentionScale = 1 / (Float(c.width) / Float(c.headCount)).squareRoot() }
                let pattern = "gemma3.attention.sliding_window_pattern"
                if let layers = file.bools(pattern) {
                    c.windowedLayers = layers.indices.filter { layers[$0] }
                } else {
                    let period = try file.integer(pattern) ?? 6
                    c.windowedLayers = c.layers { ($0 + 1) % max(period, 1) != 0 }
                }
                return c
            }, places: .gguf),
        huggingFace: Layout(
            architecture: "Gemma3ForCausalLM",
            configuration: { file, _ in
                var c = try file.gemmaConfiguration("gemma3")
                c.queryKeyNorm = .head
                c.attentionSoftCap = try file.number("attn_logit_softcapping").map { Float($0) }
                c.logitSoftCap = try file.number("final_logit_softcapping").map { Float($0) }
                let period = try file.integer("sliding_window_pattern") ?? 6
                c.windowedLayers = try file.windowedLayers(c.layerCount) { ($0 + 1) % max(period, 1) != 0 }
                (c.ropeTheta, c.ropeScaling) = try file.rope("full_attention")
                if try file.number("rope_theta") == nil,
                    try file.number("rope_parameters.full_attention.rope_theta") == nil
                {
                    c.ropeTheta = 1_000_000
                }
                c.windowedRopeTheta = Float(
                    try file.number("rope_parameters.sliding_attention.rope_theta")
                        ?? file.number("rope_local_base_freq") ?? 10_000)
                return c
            }, places: .gemma, normOffset: 1))
}

extension TransformerConfiguration {
    /// With what all Gemmas have.
    fileprivate var asGemma: Self {
        var c = self
        c.norms = .both
        c.activation = .geluTanh
        c.embeddingScale = Float(c.width).squareRoot()
        return c
    }

    fileprivate func layers(_ isMeant: (Int) -> Bool) -> [Int] {
        (0..<max(0, min(layerCount, 1 << 16))).filter(isMeant)
    }
}

extension ModelMetadata {
    fileprivate func gemmaConfiguration(_ family: String) throws -> TransformerConfiguration {
        var c = try llamaConfiguration(family, tied: true).asGemma
        c.activation = try activation("hidden_activation") ?? .geluTanh
        c.attentionScale = try number("query_pre_attn_scalar").map { 1 / Float($0).squareRoot() }
        c.window = try integer("sliding_window")
        try refuse("attention_bias", unless: false, try bool("attention_bias"))
        return c
    }
}

extension [WeightName.Part: ModelFamily.Place] {
    fileprivate static let gemma: Self = llama.with([
        .attentionPostNorm: "model.layers.#.post_attention_layernorm",
        .mlpNorm: "model.layers.#.pre_feedforward_layernorm", .mlpPostNorm: "model.layers.#.post_feedforward_layernorm",
    ])
}
