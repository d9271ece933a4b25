import PrismTensor

/// What Pearson's correlation needs of each unit a by itself: n, Σ a and Σ a².
///
///     r(a, b) = (Σ ab − Σ a Σ b / n) / √((Σ a² − (Σ a)²/n) (Σ b² − (Σ b)²/n))
struct UnitMoments {
    private(set) var rows = 0
    /// Vectors with a > 0.
    private(set) var firings: [Int]
    private(set) var sums, squares: [Double]

    init(units: Int) {
        firings = Array(repeating: 0, count: units)
        sums = Array(repeating: 0, count: units)
        squares = sums
    }

    mutating func add(_ latents: UnitResponses) {
        rows += latents.rowCount
        latents.codes.forEachActive { _, latent, value in add(latent, value) }
    }

    /// - x: what every unit gives, [rows, units].
    mutating func add(_ x: Tensor) {
        rows += x.rowCount
        for t in 0..<x.rowCount { for unit in sums.indices { add(unit, x[t][unit]) } }
    }

    private mutating func add(_ unit: Int, _ value: Float) {
        firings[unit] += value > 0 ? 1 : 0
        sums[unit] += Double(value)
        squares[unit] += Double(value) * Double(value)
    }

    /// √(Σ a² − (Σ a)²/n), or 0 for a unit that varies by less than single-precision products can tell from nothing.
    var deviations: [Double] {
        zip(sums, squares).map { sum, square in
            let variation = square - sum * sum / Double(max(1, rows))
            return variation > 1e-6 * square ? variation.squareRoot() : 0
        }
    }

    /// Units that were active often enough to correlate with others; one that fires once is like any other that does then.
    var areMeasured: [Bool] { firings.map { $0 >= UnitMetrics.leastFirings } }
}

/// Pearson's correlations between the units of two sets, from Σ ab of each pair.
struct Correlations {
    private let a, b: UnitMoments
    private let deviationsA, deviationsB: [Double]
    private let products: Tensor

    /// - products: Σ ab, [units of a, units of b].
    init(_ a: UnitMoments, _ b: UnitMoments, products: Tensor) {
        precondition(a.rows == b.rows && products.shape == [a.sums.count, b.sums.count])
        (self.a, self.b, self.products) = (a, b, products)
        (deviationsA, deviationsB) = (a.deviations, b.deviations)
    }

    /// 0 where a unit does not vary.
    subscript(i: Int, j: Int) -> Double {
        let scale = deviationsA[i] * deviationsB[j]
        guard scale > 0 else { return 0 }
        return (Double(products[i][j]) - a.sums[i] * b.sums[j] / Double(a.rows)) / scale
    }
}
