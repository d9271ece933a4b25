import PrismAtlas

/// Sums over tokens of what one change does, parted by whether a latent is active there.
struct EffectTally {
    private var counts = [0, 0]
    private var predicted = [0, 0]
    private var divergences = [0.0, 0.0]
    private var losses = [0.0, 0.0]

    /// - loss: the change of the next token's −log p; nil where no token follows.
    mutating func add(divergence: Double, loss: Double?, isActive: Bool) {
        let side = isActive ? 0 : 1
        counts[side] += 1
        divergences[side] += divergence
        if let loss {
            predicted[side] += 1
            losses[side] += loss
        }
    }

    static func += (a: inout EffectTally, b: EffectTally) {
        for side in 0...1 {
            a.counts[side] += b.counts[side]
            a.predicted[side] += b.predicted[side]
            a.divergences[side] += b.divergences[side]
            a.losses[side] += b.losses[side]
        }
    }

    var activeTokens: Int { counts[0] }
    var otherTokens: Int { counts[1] }

    var consequence: LatentEffect.Consequence {
        func mean(_ sums: [Double], _ counts: [Int], _ side: Int) -> Double {
            sums[side] / Double(max(1, counts[side]))
        }
        let all = divergences[0] + divergences[1]
        return LatentEffect.Consequence(
            divergenceActive: mean(divergences, counts, 0), divergenceElsewhere: mean(divergences, counts, 1),
            lossActive: mean(losses, predicted, 0), lossElsewhere: mean(losses, predicted, 1),
            locality: all > 0 ? divergences[0] / all : 1)
    }
}
