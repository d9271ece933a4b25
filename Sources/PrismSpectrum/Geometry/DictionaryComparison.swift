import PrismTensor

/// A dictionary beside another one, measured on the same tokens: of another seed, layer or width.
public struct DictionaryComparison: Codable, Sendable {
    /// The other's.
    public let name: String
    public let latents, otherLatents: Int
    /// By the correlation of activations, among latents that fire at least `UnitMetrics.leastFirings` times.
    public let byActivation: LatentMatching
    /// The same with the other's activations on wrong tokens: what chance gives.
    public let byChance: LatentMatching
    /// By the cosine of decoder rows, among latents that fire; nil where the two do not write to the same place.
    public let byDirection: LatentMatching?
    /// Nil for dictionaries of one width, and where the two do not write to the same place.
    public let splitting: LatentSplitting?

    init(_ tally: ComparisonTally, own: UnitMoments, workers: Workers) {
        let other = tally.otherMoments
        name = tally.name
        (latents, otherLatents) = (own.firings.count, other.firings.count)
        let correlations = Correlations(own, other, products: tally.products)
        byActivation = LatentMatching(own.areMeasured, other.areMeasured, workers: workers) { correlations[$0, $1] }
        let chance = Correlations(own, other, products: tally.chanceProducts)
        byChance = LatentMatching(own.areMeasured, other.areMeasured, workers: workers) { chance[$0, $1] }
        byDirection = tally.cosines.map { cosines in
            LatentMatching(own.firings.map { $0 > 0 }, other.firings.map { $0 > 0 }, workers: workers) {
                Double(cosines[$0][$1])
            }
        }
        splitting = tally.cosines != nil && latents != otherLatents ? LatentSplitting(tally, own: own) : nil
    }
}
