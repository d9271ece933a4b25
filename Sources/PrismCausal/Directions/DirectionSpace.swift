import PrismTensor

/// Directions that are compared by their angle: the rows of an embedding, of an unembedding, of a decoder.
///
///     uᵢ = (rᵢ − r̄) / ‖rᵢ − r̄‖        cos(i, j) = uᵢ · uⱼ
///
/// r̄ is the mean row if the space is centred, else zero. The rows of a vocabulary share a large part (Mu and Viswanath 2018),
/// which makes any two tokens look alike; of an unembedding it moves all logits by the same, and so no probability. Without it
/// a cosine tells of what distinguishes two tokens. Latents' rows are compared as they are: what the activations share is in
/// the decoder's bias.
///
/// A row of zeros has no direction: its cosines are zero.
package struct DirectionSpace: Sendable {
    /// uᵢ, [rows, width].
    package let units: Tensor

    /// - rows: rᵢ, [rows, width]; not modified.
    package init(_ rows: Tensor, isCentred: Bool) {
        units = isCentred ? rows.minus(row: rows.columnMeans) : rows.copy()
        units.normaliseRows()
    }

    /// A row that lies in a direction.
    package struct Neighbour: Hashable, Sendable {
        package let row: Int
        package let cosine: Float
    }

    /// Σ weight · u_row, [1, width].
    package func sum(_ terms: [(weight: Float, row: Int)]) -> Tensor {
        let result = Tensor(1, units.rowWidth)
        for (weight, row) in terms { for c in 0..<result.count { result.data[c] += weight * units[row][c] } }
        return result
    }

    /// Cosines of directions with all rows, [directions, rows].
    /// - directions: of any length, [directions, width]
    package func cosines(of directions: Tensor, workers: Workers = Workers()) -> Tensor {
        let (queries, result) = (directions.copy(), Tensor(directions.rowCount, units.rowCount))
        queries.normaliseRows()
        workers.forEachRange(queries.rowCount, by: 16) { _, range in
            CPUBackend().multiply(queries.rows(range), by: units, transposed: true, into: result.rows(range))
        }
        return result
    }

    /// The rows of largest cosine with a direction, largest first; of equal ones the lower row.
    /// - direction: [1, width]. excluding: rows that do not count.
    package func nearest(to direction: Tensor, count: Int, excluding: Set<Int> = []) -> [Neighbour] {
        let cosines = cosines(of: direction).values
        return cosines.indices.filter { !excluding.contains($0) }
            .sorted { (cosines[$0], $1) > (cosines[$1], $0) }
            .prefix(count).map { Neighbour(row: $0, cosine: cosines[$0]) }
    }
}
