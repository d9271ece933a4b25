import Foundation
import PrismTensor

/// Latents that belong together: a graph, and the families that it falls into.
///
/// Two latents are joined where their decoder rows are clearly alike, where they nearly always fire together, and where both
/// are so beyond chance:
///
///     cos ≥ Rule.cosine   or   joint ≥ Rule.joint and (φ ≥ Rule.firing, or cos ≥ Rule.chance and lift ≥ Rule.lift)
///
/// of the pair's decoder cosine, the number of vectors where both fire, the correlation φ of firing and its lift.
/// Components of such a graph would be chains that swallow everything. Families are made by average linkage instead (Sokal and
/// Michener 1958): every latent is one at first, and of all pairs of families A, B the most alike become one, while
///
///     Σ w(i, j) / (|A| |B|) ≥ Rule.cosine / 2,   i in A, j in B,   w = max(cos, φ, Rule.cosine) where joined, else 0
///
/// so that about half of the pairs at least are joined, in any family, and a latent between two families goes to one.
public struct LatentFamilies: Codable, Sendable {
    public struct Family: Codable, Hashable, Sendable {
        public let centre: Int
        /// With the centre, ascending.
        public let members: [Int]
        /// Means over the pairs of members of the cosine of decoder rows, and of the correlation of firing; the latter nil in
        /// dictionaries too wide to count it.
        public let cosine: Double
        public let firing: Double?
    }

    /// What joins two latents.
    public struct Rule: Codable, Hashable, Sendable {
        /// The cosine that suffices.
        public var cosine: Double
        /// The correlation of firing that suffices: a quarter of what the one's firing varies by is then the other's.
        public var firing = 0.5
        /// The cosine that directions of chance do not reach: √(2 ln P / d), about the largest of P random pairs in d
        /// dimensions.
        public var chance: Double
        /// With a cosine beyond chance: ten times as often together as chance has it …
        public var lift = 10.0
        /// … on as many vectors as make that certain: of ten where one is expected.
        public var joint = 10

        /// 0.5, the cosine of 60°, as in a regular simplex of alternatives; more where chance reaches that.
        /// - latents: that are compared. width: of a decoder row.
        public init(latents: Int, width: Int) {
            let pairs = Double(max(2, latents * (latents - 1) / 2))
            chance = min(1, (2 * log(pairs) / Double(max(1, width))).squareRoot())
            cosine = max(0.5, chance)
        }
    }

    public let rule: Rule
    /// Of two members or more, the largest first.
    public let families: [Family]

    /// - candidates: of each latent those that it can be joined to; none for those left out. decoder: [latents, width].
    ///   coactivation: how two latents fire together, if that is known.
    init(
        _ candidates: [[RelatedLatent]], decoder: Tensor, _ rule: Rule, coactivation: (Int, Int) -> Coactivation?
    ) {
        self.rule = rule
        var graph = Graph(count: candidates.count)
        for (latent, others) in candidates.enumerated() {
            for other in others where rule.joins(other) {
                graph.join(
                    latent, other.latent, weight: max(other.cosine, other.coactivation?.correlation ?? 0, rule.cosine))
            }
        }
        while graph.mergeMutualBest(least: rule.cosine / 2) {}
        let unit = decoder.copy()
        unit.normaliseRows()
        families = graph.members.filter { $0.count > 1 }.map { Family($0.sorted(), unit, coactivation) }
            .sorted { ($0.members.count, $1.centre) > ($1.members.count, $0.centre) }
    }

    /// Families on their way, each under the number of one of its latents.
    private struct Graph {
        private(set) var members: [[Int]]
        /// Σ w to each family that one is joined to.
        private var weights: [[Int: Double]]

        init(count: Int) {
            members = (0..<count).map { [$0] }
            weights = Array(repeating: [:], count: count)
        }

        mutating func join(_ i: Int, _ j: Int, weight: Double) {
            weights[i][j] = weight
            weights[j][i] = weight
        }

        /// Merges all pairs of which each is the other's most alike, which come to the same as the most alike pair of all
        /// again and again (Murtagh 1983). Returns whether there was any.
        mutating func mergeMutualBest(least: Double) -> Bool {
            let best = members.indices.map { mostAlike($0) }
            var hasMerged = false
            for (i, other) in best.enumerated() {
                guard let other, i < other.family, best[other.family]?.family == i, other.mean >= least else {
                    continue
                }
                merge(other.family, into: i)
                hasMerged = true
            }
            return hasMerged
        }

        private func mostAlike(_ family: Int) -> (family: Int, mean: Double)? {
            weights[family].map { (family: $0, mean: $1 / Double(members[family].count * members[$0].count)) }
                // Of equal means the pair of lowest numbers, so that all families agree on an order.
                .max { a, b in
                    a.mean != b.mean
                        ? a.mean < b.mean
                        : (min(b.family, family), max(b.family, family)) < (
                            min(a.family, family), max(a.family, family)
                        )
                }
        }

        private mutating func merge(_ gone: Int, into family: Int) {
            members[family] += members[gone]
            for (other, weight) in weights[gone] where other != family {
                let sum = weights[family][other, default: 0] + weight
                weights[other][gone] = nil
                join(family, other, weight: sum)
            }
            weights[family][gone] = nil
            (members[gone], weights[gone]) = ([], [:])
        }
    }
}

extension LatentFamilies.Family {
    /// The centre is most like the sum of all; the mean cosine is (‖Σ u‖² − m) / (m (m − 1)) of m vectors u of length one.
    fileprivate init(_ members: [Int], _ unit: Tensor, _ coactivation: (Int, Int) -> Coactivation?) {
        var sum = [Double](repeating: 0, count: unit.rowWidth)
        for member in members { for c in sum.indices { sum[c] += Double(unit[member][c]) } }
        let along = members.map { member in sum.indices.reduce(0) { $0 + sum[$1] * Double(unit[member][$1]) } }
        let count = Double(members.count)
        let firings = members.flatMap { i in
            members.filter { $0 > i }.compactMap { coactivation(i, $0)?.correlation }
        }
        self.init(
            centre: members[along.indices.max { (along[$0], $1) < (along[$1], $0) }!], members: members,
            cosine: (along.reduce(0, +) - count) / (count * (count - 1)),
            firing: firings.isEmpty ? nil : firings.reduce(0, +) / Double(firings.count))
    }
}

extension LatentFamilies.Rule {
    func joins(_ other: RelatedLatent) -> Bool {
        if other.cosine >= cosine { return true }
        guard let together = other.coactivation, together.joint >= joint else { return false }
        return together.correlation >= firing || other.cosine >= chance && together.lift >= lift
    }
}
