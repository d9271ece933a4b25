/// What a weight of a transformer is for, whatever its file calls it.
///
/// `description` is the field's interchange name, as TransformerLens writes it; matrices are [outputs, inputs] here.
public struct WeightName: Hashable, Sendable, CustomStringConvertible {
    public let part: Part
    /// The block; nil for what lies outside.
    public let layer: Int?
    public let isBias: Bool

    public init(_ part: Part, layer: Int? = nil, isBias: Bool = false) {
        self.part = part
        self.layer = layer
        self.isBias = isBias
    }

    /// The bias of the same part.
    var bias: WeightName { WeightName(part, layer: layer, isBias: true) }

    public enum Part: String, CaseIterable, Sendable {
        case embedding = "embed.W_E"
        case positions = "pos_embed.W_pos"
        case attentionNorm = "ln1.w"
        case query = "attn.W_Q"
        case key = "attn.W_K"
        case value = "attn.W_V"
        case queryNorm = "attn.q_norm.w"
        case keyNorm = "attn.k_norm.w"
        case attentionOut = "attn.W_O"
        case attentionPostNorm = "ln1_post.w"
        case mlpNorm = "ln2.w"
        case gate = "mlp.W_gate"
        case up = "mlp.W_in"
        case down = "mlp.W_out"
        case mlpPostNorm = "ln2_post.w"
        case finalNorm = "ln_final.w"
        case unembedding = "unembed.W_U"

        /// Whether it is a norm's.
        public var isNorm: Bool { rawValue.hasSuffix(".w") }
        var isInBlock: Bool { ![.embedding, .positions, .finalNorm, .unembedding].contains(self) }
    }

    public var description: String {
        var name = part.rawValue
        if isBias { name = part.isNorm ? String(name.dropLast()) + "b" : name.replacing("W_", with: "b_") }
        return (layer.map { "blocks.\($0)." } ?? "") + name
    }
}

extension TransformerConfiguration {
    /// Every weight such a model has, in the order of the pass; tied embeddings are one.
    public var weightNames: [WeightName] {
        let blocks = (0..<layerCount).flatMap { layer in
            WeightName.Part.allCases.filter(\.isInBlock).map { WeightName($0, layer: layer) }
        }
        let all =
            [WeightName(.embedding), WeightName(.positions)] + blocks + [
                WeightName(.finalNorm), WeightName(.unembedding),
            ]
        return all.flatMap { [$0, $0.bias] }.filter { shape(of: $0) != nil }
    }

    /// Dimensions of a weight, matrices [outputs, inputs]; nil if such a model has none.
    public func shape(of name: WeightName) -> [Int]? {
        let matrix: [Int]
        switch name.part {
        case .embedding: matrix = [vocabularySize, width]
        case .positions where rotaryWidth == 0: matrix = [contextLength, width]
        case .unembedding where !tiedEmbeddings || name.isBias: matrix = [vocabularySize, width]
        case .query: matrix = [queryWidth, width]
        case .key, .value: matrix = [keyValueWidth, width]
        case .attentionOut: matrix = [width, queryWidth]
        case .up: matrix = [mlpWidth, width]
        case .gate where isGated: matrix = [mlpWidth, width]
        case .down: matrix = [width, mlpWidth]
        case .queryNorm where queryKeyNorm != nil: matrix = [queryKeyNorm == .head ? headWidth : queryWidth]
        case .keyNorm where queryKeyNorm != nil: matrix = [queryKeyNorm == .head ? headWidth : keyValueWidth]
        case .attentionNorm where norms != .after: matrix = [width]
        case .mlpNorm where norms != .after && arrangement != .parallelSharingNorm: matrix = [width]
        case .attentionPostNorm where norms != .before: matrix = [width]
        case .mlpPostNorm where norms != .before: matrix = [width]
        case .finalNorm: matrix = [width]
        default: return nil
        }
        guard name.isBias else { return matrix }
        let hasBias =
            switch name.part {
            case .query, .key, .value: queryKeyValueBias
            case .attentionOut: attentionOutBias
            case .gate, .up, .down: mlpBias
            case .unembedding: unembeddingBias
            case .embedding, .positions, .queryNorm, .keyNorm: false
            default: normsAreCentred
            }
        return hasBias ? [matrix[0]] : nil
    }
}
