import PrismTensor

/// Vectors that probes are trained and tested on, kept while vectors pass by: the first ones of all, and of each concept as
/// many as a probe wants, up to a fixed number together.
struct ProbeSamples {
    private static let limit = 16_384
    /// Vectors that are kept whatever they belong to; those outside a concept are drawn from them.
    private static let common = 6144
    /// Of each concept.
    private static let wanted = 1250

    private var rows: [Tensor] = []
    private var labels: [Tensor] = []
    private(set) var contexts: [Int32] = []
    private var counts: [Int]

    init(concepts: Int) { counts = Array(repeating: 0, count: concepts) }

    mutating func add(_ chunk: [LabelledVectors]) {
        for part in chunk {
            var kept: [Int] = []
            for t in 0..<part.x.rowCount where contexts.count < Self.limit {
                let inside = counts.indices.filter { part.scores[t][$0] > 0 }
                guard contexts.count < Self.common || inside.contains(where: { counts[$0] < Self.wanted }) else {
                    continue
                }
                for concept in inside { counts[concept] += 1 }
                kept.append(t)
                contexts.append(Int32(part.context))
            }
            guard !kept.isEmpty else { continue }
            rows.append(part.x.gathered(kept))
            labels.append(part.scores.gathered(kept))
        }
    }

    /// Probes of every concept of which there is enough, on what a set of units responds to the vectors that were kept.
    func probes(of set: UnitSet, workers: Workers) -> [ConceptProbe] {
        let x = Tensor(joining: rows)
        let scores = Tensor(joining: labels)
        let responses = set.responses(to: x, workers: workers)
        // One context in five is tested on.
        let isTest = contexts.map { $0 % 5 == 0 }
        return workers.map(counts.count, by: 1) { _, range -> ConceptProbe? in
            let concept = range.lowerBound
            let isInside = (0..<scores.rowCount).map { scores[$0][concept] > 0 }
            guard let rows = BalancedRows(isInside: isInside, isTest: isTest, seed: UInt64(concept)) else { return nil }
            let data = ProbeData(responses, rows)
            return ConceptProbe(
                probe: SparseProbe(data, concept: concept),
                monosemanticity: MonosemanticityScore(data, concept: concept))
        }.compactMap(\.self)
    }
}

/// What probes say of one concept and a set of units.
public struct ConceptProbe: Codable, Hashable, Sendable {
    public let probe: SparseProbe
    public let monosemanticity: MonosemanticityScore?
}
