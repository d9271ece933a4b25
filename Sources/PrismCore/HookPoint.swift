/// A place in a transformer where activations can be read or replaced.
///
/// `name` is the field's interchange name, as TransformerLens writes it. All values are *after* any norm weight and bias,
/// so that writing back what was read changes nothing.
public enum HookPoint: Hashable, Sendable {
    /// Token embeddings before the first block, [tokens, width]. `hook_embed`
    case embedding
    /// Residual stream entering block `layer`, [tokens, width]. `blocks.L.hook_resid_pre`
    case residualPre(layer: Int)
    /// Queries, keys and values of all heads side by side, before any norm of theirs and before positions turn them,
    /// [tokens, heads · head width]. `blocks.L.attn.hook_q`, `hook_k`, `hook_v`
    case queries(layer: Int), keys(layer: Int), values(layer: Int)
    /// What each head reads from the values, side by side, [tokens, heads · head width]. `blocks.L.attn.hook_z`
    case heads(layer: Int)
    /// What attention adds to the residual stream, [tokens, width]. `blocks.L.hook_attn_out`
    case attentionOut(layer: Int)
    /// Residual stream between attention and MLP, [tokens, width]. `blocks.L.hook_resid_mid`
    case residualMid(layer: Int)
    /// Normalised input of the MLP, [tokens, width]. `blocks.L.mlp.hook_in`
    case mlpIn(layer: Int)
    /// Neurons: what the MLP's last projection reads, [tokens, MLP width]. `blocks.L.mlp.hook_post`
    case neurons(layer: Int)
    /// What the MLP adds to the residual stream, [tokens, width]. `blocks.L.hook_mlp_out`
    case mlpOut(layer: Int)
    /// Residual stream leaving block `layer`, [tokens, width]. `blocks.L.hook_resid_post`
    case residualPost(layer: Int)
    /// Output of the final norm, which the unembedding reads, [tokens, width]. `ln_final.hook_out`
    case finalNorm

    private static let suffixes: [(String, @Sendable (Int) -> HookPoint)] = [
        ("hook_resid_pre", { .residualPre(layer: $0) }),
        ("attn.hook_q", { .queries(layer: $0) }),
        ("attn.hook_k", { .keys(layer: $0) }),
        ("attn.hook_v", { .values(layer: $0) }),
        ("attn.hook_z", { .heads(layer: $0) }),
        ("hook_attn_out", { .attentionOut(layer: $0) }),
        ("hook_resid_mid", { .residualMid(layer: $0) }),
        ("mlp.hook_in", { .mlpIn(layer: $0) }),
        ("mlp.hook_post", { .neurons(layer: $0) }),
        ("hook_mlp_out", { .mlpOut(layer: $0) }),
        ("hook_resid_post", { .residualPost(layer: $0) }),
    ]

    /// Reads an interchange name such as `blocks.15.hook_resid_post`.
    /// - Throws: `PrismError.usage` that lists the known names.
    public init(_ name: String) throws {
        switch name {
        case "hook_embed": self = .embedding
        case "ln_final.hook_out": self = .finalNorm
        default:
            let parts = name.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0] == "blocks", let layer = Int(parts[1]), layer >= 0,
                let match = Self.suffixes.first(where: { $0.0 == parts[2] })
            else {
                let known = Self.suffixes.map { "blocks.<layer>.\($0.0)" }.joined(separator: ", ")
                throw PrismError.usage(
                    "there is no hook point ‘\(name)’; known: hook_embed, \(known), ln_final.hook_out")
            }
            self = match.1(layer)
        }
    }

    public var name: String {
        guard let layer else { return self == .embedding ? "hook_embed" : "ln_final.hook_out" }
        return "blocks.\(layer)." + Self.suffixes.first { $0.1(layer) == self }!.0
    }

    /// The block this point lies in; nil for the embedding and the final norm.
    public var layer: Int? {
        switch self {
        case .embedding, .finalNorm: nil
        case .residualPre(let layer), .queries(let layer), .keys(let layer), .values(let layer), .heads(let layer),
            .attentionOut(let layer), .residualMid(let layer), .mlpIn(let layer), .neurons(let layer),
            .mlpOut(let layer), .residualPost(let layer):
            layer
        }
    }
}

extension HookPoint: Codable, CustomStringConvertible {
    public var description: String { name }
    public init(from decoder: Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }
    public func encode(to encoder: Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}
