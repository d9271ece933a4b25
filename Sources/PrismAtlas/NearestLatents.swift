import PrismTensor

/// A latent that points in a similar direction.
public struct Neighbour: Hashable, Sendable {
    public var latent: Int
    /// Cosine of the two decoder rows.
    public var cosine: Float
}

/// The latents whose decoder rows have the largest cosine with each latent's own, largest first.
///
/// cos(i, j) = dᵢ · dⱼ / ‖dᵢ‖‖dⱼ‖
/// - decoder: [latents, width]. A row of zeros has no direction: it gets no neighbours and is nobody's.
/// - count: neighbours per latent; fewer come back if there are fewer latents.
package func nearestLatents(decoder: Tensor, count: Int, workers: Workers = Workers()) -> [[Neighbour]] {
    let norms = (0..<decoder.rowCount).map(decoder.norm(ofRow:))
    let directed = norms.indices.filter { norms[$0] > 0 }
    let unit = Tensor(directed.count, decoder.rowWidth)
    for (row, latent) in directed.enumerated() {
        for j in 0..<unit.rowWidth { unit[row][j] = decoder[latent][j] / norms[latent] }
    }
    // One more than asked for, as each latent meets itself, which a duplicate may outrank by a rounding error.
    let selections = reduceProducts(
        unit, unit, workers: workers, start: { TopSelection(capacity: count + 1) }, take: { $0.insert($1, first: $2) })
    var result = [[Neighbour]](repeating: [], count: decoder.rowCount)
    for (row, selection) in selections.enumerated() {
        result[directed[row]] = zip(selection.indices, selection.values)
            .filter { $0.0 != Int32(row) }
            .prefix(count)
            .map { Neighbour(latent: directed[Int($0.0)], cosine: $0.1) }
    }
    return result
}
