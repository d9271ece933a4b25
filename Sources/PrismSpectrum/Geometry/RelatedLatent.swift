import PrismAtlas
import PrismTensor

/// A latent beside another one.
public struct RelatedLatent: Codable, Hashable, Sendable {
    public let latent: Int
    /// Of the decoder rows.
    public let cosine: Double
    /// Nil in dictionaries too wide to count it.
    public let coactivation: Coactivation?
}

extension GeometryTally {
    /// Of each latent the others that are nearest by the cosine of decoder rows, largest first. Latents that never fired have
    /// none and are nobody's.
    /// - decoder: [latents, width].
    func nearest(_ decoder: Tensor, count: Int, workers: Workers) -> [[RelatedLatent]] {
        let live = live
        let found = nearestLatents(decoder: decoder.gathered(live), count: count, workers: workers)
        var result = [[RelatedLatent]](repeating: [], count: decoder.rowCount)
        for (latent, neighbours) in zip(live, found) {
            result[latent] = neighbours.map {
                let other = live[$0.latent]
                return RelatedLatent(
                    latent: other, cosine: Double($0.cosine), coactivation: coactivation(latent, other))
            }
        }
        return result
    }

    /// Of each latent the others that it fires together with, by the correlation of their firing, largest first; of those
    /// that it meets on `least` vectors or more.
    /// - decoder: [latents, width].
    func companions(_ decoder: Tensor, count: Int, least: Int, workers: Workers) -> [[RelatedLatent]] {
        guard let together else { return Array(repeating: [], count: decoder.rowCount) }
        let unit = decoder.copy()
        unit.normaliseRows()
        let backend = CPUBackend()
        return workers.map(decoder.rowCount, by: 64) { _, range in
            range.map { latent -> [RelatedLatent] in
                let counts = together[latent]
                var met: [(latent: Int, coactivation: Coactivation)] = []
                for other in 0..<decoder.rowCount where other != latent && Int(counts[other]) >= least {
                    met.append((other, coactivation(latent, other)!))
                }
                met.sort {
                    ($0.coactivation.correlation, $1.latent) > ($1.coactivation.correlation, $0.latent)
                }
                return met.prefix(count).map {
                    let cosine = backend.dot(unit[latent], unit[$0.latent], count: unit.rowWidth)
                    return RelatedLatent(latent: $0.latent, cosine: Double(cosine), coactivation: $0.coactivation)
                }
            }
        }.flatMap(\.self)
    }
}
