import PrismTensor

/// Sums over a group of contexts of how strongly vectors belong to concepts; sₜᶜ is the score of vector t.
struct ConceptTally {
    private(set) var rows = 0
    /// Vectors in each concept, and Σ s.
    private(set) var counts, sums: [Double]
    /// Σ sᶜ sᵈ.
    private(set) var products: DoubleMatrix

    init(concepts: Int) {
        counts = Array(repeating: 0, count: concepts)
        sums = counts
        products = DoubleMatrix(concepts, concepts)
    }

    mutating func add(_ labels: ConceptRows) {
        rows += labels.rowCount
        for t in 0..<labels.rowCount {
            labels.forEach(row: t) { c, score in
                counts[c] += 1
                sums[c] += Double(score)
                labels.forEach(row: t) { d, other in products[c, d] += Double(score) * Double(other) }
            }
        }
    }

    static func + (a: ConceptTally, b: ConceptTally) -> ConceptTally { combine(a, b, +) }
    static func - (a: ConceptTally, b: ConceptTally) -> ConceptTally { combine(a, b, -) }

    private static func combine(
        _ a: ConceptTally, _ b: ConceptTally, _ operation: (Double, Double) -> Double
    ) -> ConceptTally {
        var result = a
        result.rows = Int(operation(Double(a.rows), Double(b.rows)))
        result.counts = zip(a.counts, b.counts).map(operation)
        result.sums = zip(a.sums, b.sums).map(operation)
        result.products.values = zip(a.products.values, b.products.values).map(operation)
        return result
    }
}
