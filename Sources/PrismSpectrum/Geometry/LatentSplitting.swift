import PrismTensor

/// What becomes of the latents of a narrow dictionary in a wider one of the same space (feature splitting, Bricken et al.
/// 2023).
///
/// A child of a narrow latent is a wide one that shares its direction: cos ≥ 0.7, the threshold by which Leask et al. 2025 tell
/// latents that a narrower dictionary has from new ones. A wide latent may have several parents. Whether the children do
/// their parent's work is told by its mass that they cover:
///
///     covered = Σ_t z(t) [some child is active on t] / Σ_t z(t)
public struct LatentSplitting: Codable, Sendable {
    /// What a narrow latent became.
    public enum Kind: String, Codable, CaseIterable, Sendable {
        /// One child, several, none.
        case same, split, lost
    }

    public struct Child: Codable, Hashable, Sendable {
        public let latent: Int
        public let cosine: Double
        /// Share of the vectors where it is active.
        public let density: Double
    }

    public struct Parent: Codable, Hashable, Sendable {
        public let latent: Int
        public let density: Double
        /// Nearest first.
        public let children: [Child]
        /// Share of its activation on vectors where a child is active.
        public let covered: Double

        public var kind: Kind {
            switch children.count {
            case 0: .lost
            case 1: .same
            default: .split
            }
        }
    }

    /// Whether the narrow dictionary is the one that was compared, not the one that it was compared with.
    public let ownIsNarrow: Bool
    /// The narrow latents that fired.
    public let parents: [Parent]
    /// The wide latents that fired and have no parent.
    public let new: [Int]
    /// How many wide latents fired.
    public let wideCount: Int

    /// The cosine from which on two decoder rows are one direction.
    static let sharedDirection: Float = 0.7

    /// - own: of the dictionary that is compared. - precondition: the tally has cosines.
    init(_ tally: ComparisonTally, own: UnitMoments) {
        let cosines = tally.cosines!
        let ownIsNarrow = tally.ownIsNarrow
        let (narrow, wide) = ownIsNarrow ? (own, tally.otherMoments) : (tally.otherMoments, own)
        let vectors = Double(max(1, own.rows))
        self.ownIsNarrow = ownIsNarrow
        parents = tally.children.indices.filter { narrow.firings[$0] > 0 }.map { parent in
            let children = tally.children[parent].filter { wide.firings[$0] > 0 }.map { child in
                let cosine = ownIsNarrow ? cosines[parent][child] : cosines[child][parent]
                return Child(
                    latent: child, cosine: Double(cosine), density: Double(wide.firings[child]) / vectors)
            }
            return Parent(
                latent: parent, density: Double(narrow.firings[parent]) / vectors,
                children: children.sorted { ($0.cosine, $1.latent) > ($1.cosine, $0.latent) },
                covered: tally.covered[parent].pointee / narrow.sums[parent])
        }
        let known = Set(parents.flatMap(\.children).map(\.latent))
        let live = wide.firings.indices.filter { wide.firings[$0] > 0 }
        new = live.filter { !known.contains($0) }
        wideCount = live.count
    }

    /// How many narrow latents became what, and the median of what is covered of them.
    public func count(_ kind: Kind) -> (parents: Int, covered: Double?) {
        let own = parents.filter { $0.kind == kind }
        return (own.count, own.isEmpty ? nil : own.map(\.covered).median)
    }
}
