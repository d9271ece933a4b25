import PrismCore
import PrismFormats
import PrismTensor

/// What the configurations of most families say in the same words.
extension ModelMetadata {
    /// The sizes and rotary embedding that a GGUF file states for its architecture, `architecture.key`.
    func ggufConfiguration(
        _ family: String, _ architecture: String, _ weights: any WeightSource, norm: String = "layer_norm_rms_epsilon"
    ) throws -> TransformerConfiguration {
        func key(_ name: String) -> String { "\(architecture).\(name)" }
        try refuse(key("expert_count"), unless: 0, try integer(key("expert_count")))
        let width = try required(key("embedding_length"), integer)
        let heads = try required(key("attention.head_count"), integer)
        let headWidth = try integer(key("attention.key_length")) ?? width / max(heads, 1)
        try refuse(key("attention.value_length"), unless: headWidth, try integer(key("attention.value_length")))
        var c = TransformerConfiguration(
            family: family, width: width, layerCount: try required(key("block_count"), integer),
            headCount: heads, keyValueHeadCount: try integer(key("attention.head_count_kv")) ?? heads,
            headWidth: headWidth, mlpWidth: try required(key("feed_forward_length"), integer),
            vocabularySize: try integer(key("vocab_size")) ?? weights.shape(of: "token_embd.weight")?.first ?? 0,
            contextLength: try required(key("context_length"), integer),
            normEpsilon: Float(try required(key("attention.\(norm)"), number)),
            rotaryWidth: try integer(key("rope.dimension_count")),
            ropeTheta: Float(try number(key("rope.freq_base")) ?? 10_000),
            tiedEmbeddings: weights.shape(of: "output.weight") == nil)
        c.window = try integer(key("attention.sliding_window")).flatMap { $0 > 0 ? $0 : nil }
        switch try string(key("rope.scaling.type")) ?? "none" {
        case "none": break
        case "linear":
            c.ropeScaling = .linear(factor: Float(try required(key("rope.scaling.factor"), number)))
        case let type: throw problem("‘\(key("rope.scaling.type"))’ is \(type); supported are none and linear")
        }
        if weights.shape(of: "rope_freqs.weight") != nil {
            c.ropeScaling = .each(try weights.tensor("rope_freqs.weight", shape: [c.rotaryWidth / 2]).values)
        }
        for long in ["rope_factors_long.weight", "rope_factors_short.weight"] where weights.shape(of: long) != nil {
            throw problem("‘\(long)’ stretches the rotary embedding by the context's length, which is not supported")
        }
        return c
    }

    /// The sizes and rotary embedding that a `config.json` states in Llama's words.
    /// - tied: whether embeddings are tied where the file does not say.
    func llamaConfiguration(_ family: String, tied: Bool = false) throws -> TransformerConfiguration {
        let width = try required("hidden_size", integer)
        let heads = try required("num_attention_heads", integer)
        var c = TransformerConfiguration(
            family: family, width: width, layerCount: try required("num_hidden_layers", integer),
            headCount: heads, keyValueHeadCount: try integer("num_key_value_heads") ?? heads,
            headWidth: try integer("head_dim") ?? width / max(heads, 1),
            mlpWidth: try required("intermediate_size", integer), vocabularySize: try required("vocab_size", integer),
            contextLength: try integer("max_position_embeddings") ?? 2048,
            normEpsilon: Float(try required("rms_norm_eps", number)),
            tiedEmbeddings: try bool("tie_word_embeddings") ?? tied)
        c.activation = try activation("hidden_act") ?? .silu
        (c.ropeTheta, c.ropeScaling) = try rope()
        let share = try number("rope_parameters.partial_rotary_factor") ?? number("partial_rotary_factor") ?? 1
        guard share > 0, share <= 1 else { throw problem("‘partial_rotary_factor’ is \(share); it must lie in (0, 1]") }
        c.rotaryWidth = Int(Double(c.headWidth) * share)
        return c
    }

    /// The sizes that a `config.json` states in GPT-2's words.
    func gptConfiguration(_ family: String, tied: Bool) throws -> TransformerConfiguration {
        let (width, heads) = (try required("n_embd", integer), try required("n_head", integer))
        return TransformerConfiguration(
            family: family, width: width, layerCount: try required("n_layer", integer), headCount: heads,
            keyValueHeadCount: heads, headWidth: width / max(heads, 1),
            mlpWidth: try integer("n_inner") ?? 4 * width, vocabularySize: try required("vocab_size", integer),
            contextLength: try integer("n_positions") ?? integer("n_ctx") ?? 1024,
            normEpsilon: Float(try number("layer_norm_epsilon") ?? 1e-5),
            tiedEmbeddings: try bool("tie_word_embeddings") ?? tied)
    }

    /// θ and scaling of the rotary embedding. Until 2025 the file held `rope_theta` and `rope_scaling`, since then both in
    /// `rope_parameters`.
    /// - kind: the layers' kind, where parameters differ by it.
    func rope(_ kind: String? = nil) throws -> (theta: Float, scaling: TransformerConfiguration.RopeScaling?) {
        let groups = (kind.map { ["rope_parameters.\($0)"] } ?? []) + ["rope_parameters", "rope_scaling"]
        func first<T>(_ read: (String) throws -> T?, _ key: String) throws -> T? {
            for group in groups { if let value = try read("\(group).\(key)") { return value } }
            return nil
        }
        let theta = try first(number, "rope_theta") ?? number("rope_theta") ?? 10_000
        func value(_ key: String) throws -> Float {
            guard let value = try first(number, key) else {
                throw problem("the RoPE scaling lacks ‘\(key)’; without it the model cannot be laid out")
            }
            return Float(value)
        }
        let types = try groups.compactMap { try string("\($0).rope_type") ?? string("\($0).type") }
        guard Set(types).count <= 1 else {
            throw problem("the RoPE scaling (rope_type) is said to be \(types.joined(separator: " and "))")
        }
        switch types.first ?? "default" {
        case "default": return (Float(theta), nil)
        case "linear": return (Float(theta), .linear(factor: try value("factor")))
        case "llama3":
            return (
                Float(theta),
                .llama3(
                    factor: try value("factor"), low: try value("low_freq_factor"),
                    high: try value("high_freq_factor"), original: try value("original_max_position_embeddings"))
            )
        case let type: throw problem("the RoPE scaling (rope_type) is \(type); supported are default, linear, llama3")
        }
    }

    /// An activation by its name in transformers; nil if the file does not say.
    func activation(_ key: String) throws -> Activation? {
        switch try string(key) {
        case nil: return nil
        case "relu": return .relu
        case "silu", "swish": return .silu
        case "gelu": return .gelu
        case "gelu_new", "gelu_fast", "gelu_pytorch_tanh": return .geluTanh
        case let name?: throw problem("‘\(key)’ is \(name); supported are relu, silu, gelu, gelu_new")
        }
    }

    /// Layers with sliding windows: as `layer_types` lists them, else as `usual` says.
    func windowedLayers(_ count: Int, usual: (Int) -> Bool) throws -> [Int] {
        guard let types = try strings("layer_types") else { return (0..<max(0, min(count, 1 << 16))).filter(usual) }
        guard types.count == count else {
            throw problem("‘layer_types’ has \(types.count) entries for \(count) layers")
        }
        if let other = types.first(where: { !["full_attention", "sliding_attention"].contains($0) }) {
            throw problem("‘layer_types’ holds \(other); supported are full_attention and sliding_attention")
        }
        return types.indices.filter { types[$0] == "sliding_attention" }
    }
}
