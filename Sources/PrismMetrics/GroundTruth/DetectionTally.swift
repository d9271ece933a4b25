import PrismTensor

/// How often each latent was active, its feature was, and both were, over some vectors. A latent is taken as a detector of
/// the feature whose direction is nearest to its own.
public struct DetectionTally: Sendable {
    /// [latents]
    private(set) var firings, occurrences, hits: [Int32]

    /// - codes: latents of the vectors. truth: their true features. featureOfLatent: [latents].
    public init(_ codes: SparseCodes, truth: SparseCodes, featureOfLatent: [Int], featureCount: Int) {
        precondition(codes.rowCount == truth.rowCount)
        let latentCount = featureOfLatent.count
        (firings, hits) = ([Int32](repeating: 0, count: latentCount), [Int32](repeating: 0, count: latentCount))
        var ofFeature = [Int32](repeating: 0, count: featureCount)
        var isActive = [Bool](repeating: false, count: featureCount)
        for t in 0..<codes.rowCount {
            let active = (0..<Int(truth.counts[t])).map { Int(truth.indices[t * truth.slots + $0]) }
            for feature in active {
                ofFeature[feature] += 1
                isActive[feature] = true
            }
            for slot in t * codes.slots..<t * codes.slots + Int(codes.counts[t]) {
                let latent = Int(codes.indices[slot])
                firings[latent] += 1
                if isActive[featureOfLatent[latent]] { hits[latent] += 1 }
            }
            for feature in active { isActive[feature] = false }
        }
        occurrences = featureOfLatent.map { ofFeature[$0] }
    }

    /// Each a mean over all latents, 0 for those it is not defined for, dead ones among them, as SAELens has it; with an
    /// interval from resampling the tallies:
    /// - `precision`: share of a latent's firings at which its feature is active. `recall`: share of its feature's
    ///   occurrences at which it fires. `f1`: their harmonic mean.
    public static func estimates(_ tallies: [DetectionTally]) -> [String: Estimate] {
        let bootstrap = Bootstrap(contexts: tallies.count)
        let latentCount = tallies.first?.firings.count ?? 0
        func mean(_ score: @escaping (_ firings: Int32, _ occurrences: Int32, _ hits: Int32) -> Double) -> Estimate {
            bootstrap.estimate { weights in
                func total(_ part: KeyPath<DetectionTally, [Int32]>) -> [Int32] {
                    tallies.indices.reduce(into: [Int32](repeating: 0, count: latentCount)) { total, index in
                        let (weight, counts) = (Int32(weights[index]), tallies[index][keyPath: part])
                        if weight > 0 { for i in 0..<latentCount { total[i] += weight * counts[i] } }
                    }
                }
                let (firings, occurrences, hits) = (total(\.firings), total(\.occurrences), total(\.hits))
                let sum = (0..<latentCount).reduce(0.0) { $0 + score(firings[$1], occurrences[$1], hits[$1]) }
                return sum / Double(max(1, latentCount))
            }
        }
        func ratio(_ over: Int32, _ under: Int32) -> Double { under > 0 ? Double(over) / Double(under) : 0 }
        return [
            "precision": mean { firings, _, hits in ratio(hits, firings) },
            "recall": mean { _, occurrences, hits in ratio(hits, occurrences) },
            "f1": mean { firings, occurrences, hits in ratio(2 * hits, firings + occurrences) },
        ]
    }
}
