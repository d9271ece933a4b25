import PrismCausal
import PrismCore
import PrismModels

/// Two layers of attention that continue A B … A with B: a head that copies the token before, and one that looks for the
/// place where that was its own token (Elhage et al. 2021). A third head, in layer 0, writes what nobody reads.
enum PlantedInduction {
    static let (vocabulary, positions) = (12, 16)

    private static let weights: HandWeights = {
        var weights = HandWeights(
            subspaces: [
                "token": vocabulary, "position": positions, "previous": vocabulary, "unread": vocabulary,
                "next": vocabulary,
            ],
            vocabulary: vocabulary, positions: positions, layers: 2, heads: 2, headWidth: positions)
        for p in 0..<positions {
            weights.add(1, .positions, row: p, column: weights.column("position", p))
            // Positions alone decide where layer 0 looks, at e³⁰ to 1; nothing needs a gradient there.
            for head in 0...1 {
                weights.read(.key, layer: 0, head: head, into: p, from: "position", p)
                if p >= head {
                    weights.read(.query, layer: 0, head: head, into: p - head, from: "position", p, scale: 30)
                }
            }
        }
        for v in 0..<vocabulary {
            weights.add(1, .embedding, row: v, column: weights.column("token", v))
            for (head, subspace) in ["unread", "previous"].enumerated() {
                weights.read(.value, layer: 0, head: head, into: v, from: "token", v)
                weights.write(layer: 0, head: head, from: v, to: subspace, v)
            }
            // A match counts e⁴, so that attention is sharp but its slope is still there.
            weights.read(.query, layer: 1, head: 0, into: v, from: "token", v, scale: 4)
            weights.read(.key, layer: 1, head: 0, into: v, from: "previous", v)
            weights.read(.value, layer: 1, head: 0, into: v, from: "token", v)
            weights.write(layer: 1, head: 0, from: v, to: "next", v)
            weights.add(10, .unembedding, row: v, column: weights.column("next", v))
        }
        return weights
    }()

    static let model = weights.model

    /// What each layer's attention writes: latent v is “the token before is v”, 12 + v what nobody reads; then “v comes next”.
    static let places = [
        weights.dictionary(at: .attentionOut(layer: 0), "previous", "unread"),
        weights.dictionary(at: .attentionOut(layer: 1), "next"),
    ]

    /// 0 8 A B 9 10 A; the other prompt has C where A stood first.
    static func pair(_ a: Int32, _ b: Int32, other c: Int32, foil: Int32) throws -> PromptPair {
        try PromptPair(clean: [0, 8, a, b, 9, 10, a], corrupt: [0, 8, c, b, 9, 10, a], answers: [b], foils: [foil])
    }
}
