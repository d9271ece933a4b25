extension FeatureGeometry {
    /// The represented features, in groups that hardly interfere: connected components of the graph with an edge wherever
    /// (Wᵢ·Wⱼ)² exceeds a threshold.
    ///
    /// Groups in orthogonal subspaces are the factors of a tegum product (Elhage et al. 2022): three of two features, each
    /// pair antipodal, are an octahedron. Groups come in the order of their first feature, features in theirs.
    /// - threshold: 0.01 is a cosine of a tenth between embeddings of length one.
    public func components(threshold: Double = 0.01) -> [[Int]] {
        var left = represented
        var components: [[Int]] = []
        while let seed = left.first {
            var (component, reached) = ([seed], 0)
            left.removeFirst()
            while reached < component.count {
                let i = component[reached]
                let neighbours = left.filter { gram[i, $0] * gram[i, $0] > threshold }
                component += neighbours
                left.removeAll(where: neighbours.contains)
                reached += 1
            }
            components.append(component.sorted())
        }
        return components
    }
}
