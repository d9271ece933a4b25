import PrismTensor

/// Which latents of two dictionaries correspond: of each its most similar one in the other dictionary.
///
/// By the correlation of activations, similar latents do the same on the same tokens, in whatever place they live; by the
/// cosine of decoder rows, they mean the same direction. Seeds or layers whose latents find partners are universal in the sense of
/// Bricken et al. 2023, who give a median correlation of .72 for features and of .46 for neurons of two models.
public struct LatentMatching: Codable, Sendable {
    public struct Partner: Codable, Hashable, Sendable {
        public let latent: Int
        /// Correlation or cosine.
        public let similarity: Double
    }

    /// Of each of this dictionary's latents its best partner in the other; nil for those that fire too rarely to tell.
    public let partners: [Partner?]
    /// Of each of the other's latents its best partner in this.
    public let otherPartners: [Partner?]
    /// Of the similarities of `partners`; nil if there are none.
    public let median: Double?
    /// Share of this dictionary's latents with a partner at `close` or above.
    public let closeShare: Double?
    /// Share of them whose partner has them for its own partner: pairs that are one to one.
    public let mutualShare: Double?

    /// The similarity from which on two latents count as one: half of the variance is then shared.
    public static let close = 0.7

    /// - own, others: which latents take part. similarity: of one of this dictionary's latents with one of the other's.
    init(_ own: [Bool], _ others: [Bool], workers: Workers, similarity: (Int, Int) -> Double) {
        typealias Best = (rows: [Partner?], columns: [Partner?])
        let blocks = workers.map(own.count, by: 256) { _, range -> Best in
            var best: Best = (Array(repeating: nil, count: range.count), Array(repeating: nil, count: others.count))
            for i in range where own[i] {
                for j in others.indices where others[j] {
                    let value = similarity(i, j)
                    if value > best.rows[i - range.lowerBound]?.similarity ?? -.infinity {
                        best.rows[i - range.lowerBound] = Partner(latent: j, similarity: value)
                    }
                    if value > best.columns[j]?.similarity ?? -.infinity {
                        best.columns[j] = Partner(latent: i, similarity: value)
                    }
                }
            }
            return best
        }
        let partners = blocks.flatMap(\.rows)
        let otherPartners = others.indices.map { j in
            blocks.compactMap { $0.columns[j] }.reduce(nil as Partner?) { best, next in
                next.similarity > best?.similarity ?? -.infinity ? next : best
            }
        }
        (self.partners, self.otherPartners) = (partners, otherPartners)
        let found = partners.compactMap(\.self)
        func share(_ count: Int) -> Double? { found.isEmpty ? nil : Double(count) / Double(found.count) }
        median = found.isEmpty ? nil : found.map(\.similarity).median
        closeShare = share(found.count { $0.similarity >= Self.close })
        mutualShare = share(
            partners.indices.count { i in partners[i].map { otherPartners[$0.latent]?.latent == i } ?? false })
    }
}
