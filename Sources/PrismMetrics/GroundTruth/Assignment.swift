import PrismTensor

/// The one-to-one matching of rows to columns with the largest sum (Kuhn's and Munkres's assignment problem), by shortest
/// augmenting paths (Jonker and Volgenant 1987, in the rectangular form of Crouse 2016): O(rows² · columns).
///
/// - weights: [rows, columns], not more rows than columns.
/// - Returns: the column of each row.
package func maximumAssignment(_ weights: Tensor) -> [Int] {
    let (rows, columns) = (weights.rowCount, weights.rowWidth)
    precondition(rows <= columns)
    // Prices of rows and columns: cost −w − u − v is never negative and zero where matched.
    var (u, v) = ([Double](repeating: 0, count: rows), [Double](repeating: 0, count: columns))
    var columnOfRow = [Int](repeating: -1, count: rows)
    var rowOfColumn = [Int](repeating: -1, count: columns)
    // Of a column: the length of the shortest path to it, the row that path comes from, and v or −∞ once it is settled.
    var distance = [Double](repeating: 0, count: columns)
    var origin = [Int32](repeating: 0, count: columns)
    var openPrice = v
    for start in 0..<rows {
        for j in 0..<columns { (distance[j], openPrice[j]) = (.infinity, v[j]) }
        var settled: [(column: Int, distance: Double)] = []
        var (row, length, end) = (start, 0.0, -1)
        while end < 0 {
            let (base, costs) = (length - u[row], weights[row])
            (length, end) = openPrice.withUnsafeBufferPointer { price in
                distance.withUnsafeMutableBufferPointer { distance in
                    origin.withUnsafeMutableBufferPointer { origin in
                        for j in 0..<columns {
                            let through = base - Double(costs[j]) - price[j]
                            let isShorter = through < distance[j]
                            distance[j] = isShorter ? through : distance[j]
                            origin[j] = isShorter ? Int32(row) : origin[j]
                        }
                        return nearest(distance, price, rowOfColumn)
                    }
                }
            }
            settled.append((end, length))
            openPrice[end] = -.infinity
            if rowOfColumn[end] >= 0 { (row, end) = (rowOfColumn[end], -1) }
        }
        u[start] += length
        for (column, distance) in settled.dropLast() {
            u[rowOfColumn[column]] += length - distance
            v[column] -= length - distance
        }
        // Along the path each row hands its column on.
        while true {
            let row = Int(origin[end])
            rowOfColumn[end] = row
            swap(&end, &columnOfRow[row])
            if row == start { break }
        }
    }
    return columnOfRow
}

/// The open column that is nearest; of several the first that nobody has yet, which ends the search.
private func nearest(
    _ distance: UnsafeMutableBufferPointer<Double>, _ price: UnsafeBufferPointer<Double>, _ rowOfColumn: [Int]
) -> (Double, Int) {
    var least = Double.infinity
    for j in distance.indices { least = min(least, price[j] == -.infinity ? .infinity : distance[j]) }
    var found = -1
    for j in distance.indices where distance[j] == least && price[j] > -.infinity {
        if rowOfColumn[j] < 0 { return (least, j) }
        if found < 0 { found = j }
    }
    return (least, found)
}
