import PrismTensor

/// What shape a layer's features have: the tegum factors of their embeddings, each with the polytope that it resembles.
///
/// A factor's fit error is the RMS difference between its Gram matrix, brought to a mean diagonal of one, and that of the
/// polytope, after the best matching of features to vertices. It is 0 for a perfect polytope of any size and rotation.
public struct Arrangement: Sendable {
    public struct Factor: Sendable {
        public let features: [Int]
        /// The polytope that fits best, or nil where none comes within the tolerance.
        public let polytope: Polytope?
        /// That of the best fit, found or not; ∞ where no polytope of so many vertices fits into the layer.
        public let fitError: Double
        /// Mean of ‖Wᵢ‖².
        public let meanSquare: Double
    }

    public let factors: [Factor]
    private let tolerance: Double

    /// - tolerance: the largest fit error that still deserves a name.
    public init(_ geometry: FeatureGeometry, tolerance: Double = 0.1) {
        self.tolerance = tolerance
        factors = geometry.components().map { features in
            var gram = DoubleMatrix(features.count, features.count)
            for (r, i) in features.enumerated() {
                for (c, j) in features.enumerated() { gram[r, c] = geometry.gram[i, j] }
            }
            let meanSquare = features.reduce(0) { $0 + geometry.gram[$1, $1] } / Double(features.count)
            gram = gram.scalingRows(by: features.map { _ in 1 / meanSquare })
            // Many features that hardly overlap resemble a simplex that would not fit into the layer.
            let fits = Polytope.catalogue(vertexCount: features.count).filter {
                $0.dimension <= geometry.hiddenCount
            }.map { ($0, $0.fitError(gram, tolerance)) }
            let best = fits.min { $0.1 < $1.1 }
            return Factor(
                features: features, polytope: best.flatMap { $0.1 <= tolerance ? $0.0 : nil },
                fitError: best?.1 ?? .infinity, meanSquare: meanSquare)
        }
    }

    /// The polytope of all features together, or nil where a factor has none. Digons alone make a cross-polytope only if
    /// they are of one size.
    public var polytope: Polytope? {
        let polytopes = factors.compactMap(\.polytope)
        guard polytopes.count == factors.count, !factors.isEmpty else { return nil }
        if factors.count == 1 { return polytopes[0] }
        let sizes = factors.map(\.meanSquare)
        guard sizes.max()! - sizes.min()! <= 2 * tolerance * sizes.max()! else { return nil }
        return .tegum(polytopes)
    }

    /// How many factors there are of each kind, most frequent first; "irregular" for those without a name.
    public var kinds: [(name: String, count: Int)] {
        let names = factors.map { $0.polytope?.name ?? "irregular" }
        return Set(names).map { name in (name, names.count { $0 == name }) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }
}

extension Polytope {
    /// RMS difference between a Gram matrix and this polytope's, after the best matching; a lower bound of it where that
    /// already exceeds the tolerance.
    func fitError(_ gram: DoubleMatrix, _ tolerance: Double) -> Double {
        let vertices = vertices
        let own = vertices.times(vertices, transposingOther: true)
        func rms(_ sum: Double) -> Double { sum.squareRoot() / Double(gram.rowCount) }
        // No matching of entries comes closer than that of the sorted ones.
        let bound = rms(zip(gram.values.sorted(), own.values.sorted()).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) })
        guard bound <= tolerance else { return bound }
        // All matchings with a simplex are equal, and none may be tried in turn: they are too many.
        if case .simplex = self {
            return rms(zip(gram.values, own.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) })
        }
        return rms(Matching(gram, own).best)
    }
}

/// The least Σ (Gᵢⱼ − Pπ₍ᵢ₎π₍ⱼ₎)² over all permutations π, by branch and bound.
private struct Matching {
    private(set) var best = Double.infinity
    private let gram, polytope: DoubleMatrix

    init(_ gram: DoubleMatrix, _ polytope: DoubleMatrix) {
        self.gram = gram
        self.polytope = polytope
        extend([], 0)
    }

    private mutating func extend(_ chosen: [Int], _ sum: Double) {
        let i = chosen.count
        guard i < gram.rowCount else { return best = min(best, sum) }
        let next = (0..<polytope.rowCount).filter { !chosen.contains($0) }.map { vertex in
            let own = gram[i, i] - polytope[vertex, vertex]
            return (
                vertex: vertex,
                sum: chosen.enumerated().reduce(sum + own * own) { total, placed in
                    let difference = gram[i, placed.offset] - polytope[vertex, placed.element]
                    return total + 2 * difference * difference
                }
            )
        }
        for (vertex, sum) in next.sorted(by: { ($0.sum, $0.vertex) < ($1.sum, $1.vertex) }) where sum < best {
            extend(chosen + [vertex], sum)
        }
    }
}
