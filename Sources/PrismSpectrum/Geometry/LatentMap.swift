import Foundation
import PrismCore
import PrismTensor

/// A map of latents in the plane, near each other where their decoder rows are alike: UMAP (McInnes, Healy and Melville
/// 2018), with one fixed order of all its steps.
///
/// The graph, over each latent's k nearest at distances d = 1 − cos, with ρᵢ the smallest of them:
///
///     pᵢⱼ = exp(−(dᵢⱼ − ρᵢ)/σᵢ),   σᵢ such that Σⱼ pᵢⱼ = log₂ k,   wᵢⱼ = pᵢⱼ + pⱼᵢ − pᵢⱼ pⱼᵢ
///
/// The layout y minimises the cross-entropy of w and q(i, j) = 1/(1 + ‖yᵢ − yⱼ‖²), which is UMAP's curve at a = b = 1 and
/// t-SNE's kernel: along each edge, as often as its weight says, both ends draw near,
///
///     ∓ 2 (yᵢ − yⱼ) / (1 + d²),
///
/// and the one is driven away from five latents drawn by chance, + 2 (yᵢ − yⱼ) / ((0.001 + d²)(1 + d²)); each coordinate by no
/// more than 4, at a rate that falls from 1 to 0. It begins at the two directions of greatest variance, which keeps what lies
/// far apart in place (Kobak and Linderman 2021).
public struct LatentMap: Codable, Sendable {
    /// The latents that fired, if there are two or more, ascending, and where each lies.
    public let latents: [Int]
    public let x, y: [Float]
    /// Mean share of a latent's `neighbours` nearest on the map that are among as many nearest by cosine, over at most
    /// `sampled` latents; nil where there are too few latents to tell.
    public let preservation: Double?
    /// What chance gives for it.
    public let chance: Double?

    /// k.
    public static let neighbours = 15
    private static let epochs = 300
    private static let sampled = 2048

    /// - decoder: [latents, width]. nearest: of each latent its nearest by cosine, none for those left out.
    init(_ decoder: Tensor, nearest: [[RelatedLatent]], seed: UInt64, workers: Workers) {
        let latents = nearest.indices.filter { !nearest[$0].isEmpty }
        var places = [Int](repeating: -1, count: nearest.count)
        for (place, latent) in latents.enumerated() { places[latent] = place }
        let graph = latents.map { latent in
            nearest[latent].prefix(Self.neighbours).map { (place: places[$0.latent], distance: max(0, 1 - $0.cosine)) }
        }
        var generator = SeededGenerator(seed: seed, stream: "map of latents")
        var layout = Self.start(decoder.gathered(latents), &generator, workers)
        Self.optimise(&layout, Self.edges(graph), &generator)
        self.latents = latents
        (x, y) = (layout.map(\.x), layout.map(\.y))
        let k = min(Self.neighbours, latents.count - 1)
        let isEnough = latents.count > 2 * Self.neighbours
        chance = isEnough ? Double(k) / Double(latents.count - 1) : nil
        preservation =
            isEnough ? Self.preservation(layout, graph.map { Set($0.map(\.place)) }, k, workers) : nil
    }

    // MARK: The graph

    private struct Edge {
        var from, to: Int
        var weight: Double
    }

    private typealias Graph = [[(place: Int, distance: Double)]]

    /// Both directions of each edge, ordered by their ends.
    private static func edges(_ graph: Graph) -> [Edge] {
        var directed: [Edge] = []
        for (i, neighbours) in graph.enumerated() where !neighbours.isEmpty {
            let nearest = neighbours[0].distance
            let scale = scale(neighbours.map { $0.distance - nearest })
            for neighbour in neighbours {
                let p = exp(-max(0, neighbour.distance - nearest) / scale)
                directed.append(Edge(from: i, to: neighbour.place, weight: p))
                directed.append(Edge(from: neighbour.place, to: i, weight: p))
            }
        }
        // Both p of a pair meet here, in either order: their union is symmetric.
        directed.sort { ($0.from, $0.to) < ($1.from, $1.to) }
        return directed.reduce(into: []) { edges, next in
            if let last = edges.last, (last.from, last.to) == (next.from, next.to) {
                edges[edges.count - 1].weight = last.weight + next.weight - last.weight * next.weight
            } else {
                edges.append(next)
            }
        }
    }

    /// σ, by bisection. - distances: from the nearest on.
    private static func scale(_ distances: [Double]) -> Double {
        let target = log2(Double(max(2, distances.count)))
        var (low, high) = (1e-6, 1e3)
        for _ in 0..<64 {
            let middle = (low * high).squareRoot()
            if distances.reduce(0, { $0 + exp(-$1 / middle) }) > target { high = middle } else { low = middle }
        }
        return high
    }

    // MARK: The layout

    /// The two principal components, 10 from the middle at most, a little moved so that equal rows can part.
    private static func start(_ rows: Tensor, _ generator: inout SeededGenerator, _ workers: Workers) -> [SIMD2<Float>]
    {
        rows.normaliseRows()
        guard rows.rowCount > 1 else { return Array(repeating: .zero, count: rows.rowCount) }
        let (centred, directions) = (
            rows.minus(row: rows.columnMeans), rows.principalDirections(workers: workers).tensor
        )
        let backend = CPUBackend()
        var layout = (0..<rows.rowCount).map { row in
            SIMD2<Float>(
                (0..<2).map {
                    $0 < rows.rowWidth ? backend.dot(centred[row], directions[$0], count: rows.rowWidth) : 0
                })
        }
        let largest = layout.reduce(Float(1e-6)) { max($0, abs($1.x), abs($1.y)) }
        for i in layout.indices {
            layout[i] = 10 / largest * layout[i] + 1e-3 * SIMD2(generator.normal(), generator.normal())
        }
        return layout
    }

    private static func optimise(_ layout: inout [SIMD2<Float>], _ edges: [Edge], _ generator: inout SeededGenerator) {
        func clipped(_ step: SIMD2<Float>) -> SIMD2<Float> { step.clamped(lowerBound: [-4, -4], upperBound: [4, 4]) }
        let largest = edges.map(\.weight).max() ?? 1
        for epoch in 0..<epochs {
            let rate = 1 - Float(epoch) / Float(epochs)
            for edge in edges {
                let share = edge.weight / largest
                guard Int(Double(epoch + 1) * share) > Int(Double(epoch) * share) else { continue }
                let (i, j) = (edge.from, edge.to)
                let apart = layout[i] - layout[j]
                let pull = clipped(-2 / (1 + (apart * apart).sum()) * apart)
                layout[i] += rate * pull
                layout[j] -= rate * pull
                for _ in 0..<5 {
                    let other = Int(generator.next() % UInt64(layout.count))
                    guard other != i else { continue }
                    let apart = layout[i] - layout[other]
                    let square = (apart * apart).sum()
                    layout[i] += rate * clipped(2 / ((0.001 + square) * (1 + square)) * apart)
                }
            }
        }
    }

    // MARK: Its quality

    private static func preservation(
        _ layout: [SIMD2<Float>], _ nearest: [Set<Int>], _ k: Int, _ workers: Workers
    ) -> Double {
        let step = (layout.count + sampled - 1) / sampled
        let chosen = Array(stride(from: 0, to: layout.count, by: step))
        let kept = workers.map(chosen.count, by: 32) { _, range in
            range.reduce(0) { kept, number in
                let i = chosen[number]
                let distances = layout.map { other in ((other - layout[i]) * (other - layout[i])).sum() }
                let order = distances.indices.filter { $0 != i }.sorted { (distances[$0], $0) < (distances[$1], $1) }
                return kept + order.prefix(k).count { nearest[i].contains($0) }
            }
        }
        return Double(kept.reduce(0, +)) / Double(chosen.count * k)
    }
}
