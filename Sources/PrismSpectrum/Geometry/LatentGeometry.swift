import PrismLab
import PrismTensor

/// How a dictionary's latents lie to each other, to the neurons, and to those of another dictionary.
public struct LatentGeometry: Codable, Sendable {
    /// What was found of one latent.
    public struct Latent: Codable, Sendable {
        public let latent: Int
        /// Share of the vectors where it is active.
        public let density: Double
        /// Dᵢ of its decoder row among all of them: the dimensions that it has to itself (Elhage et al. 2022).
        public let dimensionality: Double
        /// Those whose decoder rows are most alike, nearest first.
        public let nearest: [RelatedLatent]
        /// Those that fire together with it, by the correlation of firing; none in dictionaries too wide to count it.
        public let companions: [RelatedLatent]
        /// Nil for latents that fire less than `UnitMetrics.leastFirings` times.
        public let bestNeuron: BestNeuron?
    }

    /// The neuron whose value goes with a latent's activation best, whatever the sign: that of a neuron is a convention
    /// where it is a product with a gate, or an axis of the residual stream.
    public struct BestNeuron: Codable, Hashable, Sendable {
        public let neuron: Int
        /// Pearson's.
        public let correlation: Double
    }

    public let vectors: Int
    /// Of all latents, in their order.
    public let latents: [Latent]
    public let families: LatentFamilies
    public let map: LatentMap
    /// Nil where there was no other dictionary.
    public let comparison: DictionaryComparison?

    /// How many of its nearest and its companions are kept of a latent.
    public static let kept = 5
    /// How many of the nearest, and how many of the companions, can be joined in the graph of families.
    private static let candidates = 64

    init(
        _ tally: GeometryTally, _ comparison: ComparisonTally?, decoder: Tensor, seed: UInt64, workers: Workers
    ) {
        let moments = tally.moments
        let areMeasured = moments.areMeasured
        let nearest = tally.nearest(decoder, count: Self.candidates, workers: workers)
        let rule = LatentFamilies.Rule(latents: tally.live.count, width: decoder.rowWidth)
        let companions = tally.companions(decoder, count: Self.candidates, least: rule.joint, workers: workers)
        let correlations = Correlations(moments, tally.neuronMoments, products: tally.neuronProducts)
        let best = workers.map(decoder.rowCount, by: 64) { _, range in
            range.map { latent -> BestNeuron? in
                guard areMeasured[latent] else { return nil }
                let all = (0..<tally.neuronMoments.sums.count).map { correlations[latent, $0] }
                return all.indices.max { abs(all[$0]) < abs(all[$1]) }.map {
                    BestNeuron(neuron: $0, correlation: all[$0])
                }
            }
        }.flatMap(\.self)
        let dimensionality = FeatureGeometry.dimensionality(of: DoubleMatrix(decoder))
        vectors = moments.rows
        latents = nearest.indices.map {
            Latent(
                latent: $0, density: Double(moments.firings[$0]) / Double(max(1, moments.rows)),
                dimensionality: dimensionality[$0], nearest: Array(nearest[$0].prefix(Self.kept)),
                companions: Array(companions[$0].prefix(Self.kept)),
                bestNeuron: best[$0])
        }
        families = LatentFamilies(zip(nearest, companions).map(+), decoder: decoder, rule) {
            tally.coactivation($0, $1)
        }
        map = LatentMap(decoder, nearest: nearest, seed: seed, workers: workers)
        self.comparison = comparison.map { DictionaryComparison($0, own: moments, workers: workers) }
    }
}
