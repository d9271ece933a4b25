import PrismCore
import PrismFormats

/// How the models of one architecture are written down: their configuration and their weights' names, in GGUF and in
/// Hugging Face folders. A new family is one file that makes such a value, and one line in `all`.
struct ModelFamily: Sendable {
    /// Name in the registry and in `TransformerConfiguration.family`.
    let name: String
    /// nil where no such files are made.
    let gguf: Layout?
    let huggingFace: Layout?

    /// The registry.
    static let all: [ModelFamily] = [
        .gpt2, .gptNeoX, .gptJ, .llama, .mistral, .qwen2, .qwen3, .gemma2, .gemma3, .olmo2, .phi3,
    ]

    /// One of the two ways to write a model down.
    struct Layout: Sendable {
        /// `general.architecture` in GGUF, the first of `architectures` in `config.json`.
        let architecture: String
        /// Reads the configuration, and refuses by name what the runtime does not compute.
        let configuration: @Sendable (any ModelMetadata, any WeightSource) throws -> TransformerConfiguration
        /// Where the weights are.
        let places: [WeightName.Part: Place]
        /// Whether rows of query and key weights stand in the order of RoPE's neighbouring pairs (2i, 2i + 1), not of the
        /// half-split pairs (i, i + rotaryWidth / 2) that `Backend.rotate` turns.
        var interleavedRotary = false
        /// What is added to the norms' weights in the file.
        var normOffset: Float = 0
        /// Endings of tensors that hold no weights: masks, frequencies.
        var ignored: [String] = []
    }

    /// Where a weight is in a file.
    struct Place: Sendable, ExpressibleByStringLiteral {
        /// Without `.weight` or `.bias`; `#` stands for the block's number.
        let name: String
        /// Whether the file holds [inputs, outputs].
        var isTransposed = false
        /// The rows of it, [outputs, inputs], that are meant; nil for all.
        var part: (@Sendable (TransformerConfiguration) -> Part)?

        /// Some rows of a tensor that holds several weights.
        struct Part {
            let rows: [Range<Int>]
            let total: Int
        }

        init(_ name: String, isTransposed: Bool = false, part: (@Sendable (TransformerConfiguration) -> Part)? = nil) {
            self.name = name
            self.isTransposed = isTransposed
            self.part = part
        }

        init(stringLiteral name: String) { self.init(name) }

        /// Queries, keys and values one behind the other, as one tensor.
        static func fused(_ name: String, isTransposed: Bool = false) -> [WeightName.Part: Place] {
            func place(_ range: @escaping @Sendable (_ queries: Int, _ keys: Int) -> Range<Int>) -> Place {
                Place(name, isTransposed: isTransposed) { c in
                    Part(rows: [range(c.queryWidth, c.keyValueWidth)], total: c.queryWidth + 2 * c.keyValueWidth)
                }
            }
            return [
                .query: place { q, _ in 0..<q }, .key: place { q, k in q..<q + k },
                .value: place { q, k in q + k..<q + 2 * k },
            ]
        }

        /// Gate and up projection, one behind the other.
        static func fusedGate(_ name: String) -> [WeightName.Part: Place] {
            [
                .gate: Place(name) { Part(rows: [0..<$0.mlpWidth], total: 2 * $0.mlpWidth) },
                .up: Place(name) { Part(rows: [$0.mlpWidth..<2 * $0.mlpWidth], total: 2 * $0.mlpWidth) },
            ]
        }
    }

    /// Finds the family of an architecture.
    /// - layout: picks the file's format.
    /// - Throws: `PrismError.badData` that lists the supported architectures.
    static func named(
        _ architecture: String, by layout: KeyPath<ModelFamily, Layout?>, file: String
    ) throws -> (ModelFamily, Layout) {
        for family in all {
            if let layout = family[keyPath: layout], layout.architecture == architecture { return (family, layout) }
        }
        let supported = all.compactMap { $0[keyPath: layout]?.architecture }.joined(separator: ", ")
        throw PrismError.badData(
            "\(file): the architecture ‘\(architecture)’ is not supported; supported: \(supported)")
    }
}

extension [WeightName.Part: ModelFamily.Place] {
    /// llama.cpp's names, the same for all architectures.
    static let gguf: Self = [
        .embedding: "token_embd", .positions: "position_embd", .attentionNorm: "blk.#.attn_norm",
        .query: "blk.#.attn_q", .key: "blk.#.attn_k", .value: "blk.#.attn_v", .queryNorm: "blk.#.attn_q_norm",
        .keyNorm: "blk.#.attn_k_norm", .attentionOut: "blk.#.attn_output",
        .attentionPostNorm: "blk.#.post_attention_norm", .mlpNorm: "blk.#.ffn_norm", .gate: "blk.#.ffn_gate",
        .up: "blk.#.ffn_up", .down: "blk.#.ffn_down", .mlpPostNorm: "blk.#.post_ffw_norm", .finalNorm: "output_norm",
        .unembedding: "output",
    ]

    /// The names of Llama and of those that follow it.
    static let llama: Self = [
        .embedding: "model.embed_tokens", .attentionNorm: "model.layers.#.input_layernorm",
        .query: "model.layers.#.self_attn.q_proj", .key: "model.layers.#.self_attn.k_proj",
        .value: "model.layers.#.self_attn.v_proj", .queryNorm: "model.layers.#.self_attn.q_norm",
        .keyNorm: "model.layers.#.self_attn.k_norm", .attentionOut: "model.layers.#.self_attn.o_proj",
        .mlpNorm: "model.layers.#.post_attention_layernorm", .gate: "model.layers.#.mlp.gate_proj",
        .up: "model.layers.#.mlp.up_proj", .down: "model.layers.#.mlp.down_proj", .finalNorm: "model.norm",
        .unembedding: "lm_head",
    ]

    /// The same with some of them elsewhere.
    func with(_ others: Self) -> Self { merging(others) { $1 } }
}
