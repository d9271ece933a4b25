import PrismCausal
import PrismCore
import PrismModels

/// Three layers of attention that name whoever was named once, as GPT-2's heads do (Wang et al. 2022): duplicate-token head →
/// S-inhibition head → name mover.
enum PlantedNames {
    static let names = 6
    private static let (start, end) = (names, names + 1)
    private static let vocabulary = names + 3

    private static let weights: HandWeights = {
        var weights = HandWeights(
            subspaces: [
                "token": vocabulary, "position": 8, "duplicate": names, "inhibited": names, "mentioned": names,
            ], vocabulary: vocabulary, positions: 8, layers: 3, headWidth: names + 9)
        for v in 0..<vocabulary { weights.add(1, .embedding, row: v, column: weights.column("token", v)) }
        for p in 0..<8 { weights.add(1, .positions, row: p, column: weights.column("position", p)) }
        for v in 0..<names {
            // 0: a name looks for the same name elsewhere, and else at the start, where there is nothing to copy.
            weights.read(.query, layer: 0, head: 0, into: v, from: "token", v, scale: 40)
            weights.read(.key, layer: 0, head: 0, into: v, from: "token", v)
            weights.read(.query, layer: 0, head: 0, into: names, from: "token", v, scale: 20)
            weights.read(.value, layer: 0, head: 0, into: v, from: "token", v)
            weights.write(layer: 0, head: 0, from: v, to: "duplicate", v)
            // 1: the end looks for a duplicate and copies whose.
            weights.read(.key, layer: 1, head: 0, into: names, from: "duplicate", v)
            weights.read(.value, layer: 1, head: 0, into: v, from: "duplicate", v)
            weights.write(layer: 1, head: 0, from: v, to: "inhibited", v)
            // 2: the end looks for names that are not inhibited and copies them.
            weights.read(.query, layer: 2, head: 0, into: v, from: "inhibited", v, scale: -3)
            weights.read(.key, layer: 2, head: 0, into: v, from: "token", v)
            weights.read(.key, layer: 2, head: 0, into: names, from: "token", v)
            weights.read(.value, layer: 2, head: 0, into: v, from: "token", v)
            weights.write(layer: 2, head: 0, from: v, to: "mentioned", v)
            weights.add(10, .unembedding, row: v, column: weights.column("mentioned", v))
        }
        weights.read(.key, layer: 0, head: 0, into: names, from: "token", start)
        for p in 0..<8 {
            weights.read(.query, layer: 0, head: 0, into: names + 1 + p, from: "position", p, scale: -40)
            weights.read(.key, layer: 0, head: 0, into: names + 1 + p, from: "position", p)
        }
        // Tokens that are no names rest at the start too.
        for v in names..<vocabulary {
            weights.read(.query, layer: 0, head: 0, into: names, from: "token", v, scale: 20)
        }
        weights.read(.query, layer: 1, head: 0, into: names, from: "token", end, scale: 40)
        weights.read(.query, layer: 2, head: 0, into: names, from: "token", end, scale: 6)
        return weights
    }()

    static let model = weights.model

    /// What each layer's attention writes: for each name that it is a duplicate, is inhibited, was mentioned.
    static let places = [
        weights.dictionary(at: .attentionOut(layer: 0), "duplicate"),
        weights.dictionary(at: .attentionOut(layer: 1), "inhibited"),
        weights.dictionary(at: .attentionOut(layer: 2), "mentioned"),
    ]

    /// “A and B … B gave it to”, and the other prompt with A in B's second place.
    static func pair(_ a: Int32, _ b: Int32) throws -> PromptPair {
        let (start, end, other) = (Int32(start), Int32(end), Int32(end + 1))
        return try PromptPair(
            clean: [start, a, b, other, b, end], corrupt: [start, a, b, other, a, end], answers: [a], foils: [b])
    }
}
