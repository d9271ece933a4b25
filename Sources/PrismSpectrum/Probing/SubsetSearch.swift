import PrismTensor

/// The k columns whose least-squares fit of the labels leaves the smallest error, certainly: branch and bound over the sets
/// that are left when columns are removed one after the other (Furnival and Wilson 1974).
///
///     RSS(S) = min_{w, b} Σ_t (y_t − b − Σ_{i∈S} wᵢ x_tᵢ)²
///
/// RSS only grows by removing, so a set whose RSS is above the best of k columns leads to nothing better. Removing j costs
/// wⱼ² / (G⁻¹)ⱼⱼ, G the Gram matrix of the set.
struct SubsetSearch {
    /// The best set, ascending.
    private(set) var best: [Int] = []
    /// Whether nothing better exists; false if the search ended at `nodeLimit`.
    private(set) var isCertain = true
    private var bestCost = Double.infinity
    private var nodes = 0
    private let size: Int

    private static let nodeLimit = 200_000

    /// A set of columns, and what it takes to remove one: G⁻¹, row by row, w, and how far RSS is above that of all columns.
    private struct Node {
        var columns: [Int]
        var inverse: [Double]
        var weights: [Double]
        var cost = 0.0

        func removalCost(_ i: Int) -> Double { weights[i] * weights[i] / inverse[i * columns.count + i] }

        func removing(_ i: Int) -> Node {
            let (n, pivot) = (columns.count, inverse[i * columns.count + i])
            let rest = (0..<n).filter { $0 != i }
            var result = Node(
                columns: rest.map { columns[$0] }, inverse: [], weights: [], cost: cost + removalCost(i))
            result.inverse.reserveCapacity(rest.count * rest.count)
            inverse.withUnsafeBufferPointer { inverse in
                for r in rest {
                    let factor = inverse[r * n + i] / pivot
                    for c in rest { result.inverse.append(inverse[r * n + c] - factor * inverse[i * n + c]) }
                }
                result.weights = rest.map { weights[$0] - inverse[$0 * n + i] * weights[i] / pivot }
            }
            return result
        }

        /// With the columns from `start` on in descending order of what removing them costs.
        func ordered(from start: Int) -> Node {
            let n = columns.count
            let order =
                Array(0..<start)
                + (start..<n).map { ($0, removalCost($0)) }.sorted { ($0.1, $1.0) > ($1.1, $0.0) }.map(\.0)
            var result = Node(
                columns: order.map { columns[$0] }, inverse: [], weights: order.map { weights[$0] }, cost: cost)
            result.inverse.reserveCapacity(n * n)
            inverse.withUnsafeBufferPointer { inverse in
                for r in order { for c in order { result.inverse.append(inverse[r * n + c]) } }
            }
            return result
        }
    }

    /// - x: [rows, columns]. size: k.
    init(_ x: DoubleMatrix, labels: [Bool], size: Int) {
        self.size = size
        guard size > 0, x.columnCount > 0 else { return }
        let columns = x.standardised
        let mean = Double(labels.count { $0 }) / Double(labels.count)
        var target = DoubleMatrix(labels.count, 1)
        for (t, label) in labels.enumerated() { target[t, 0] = (label ? 1 : 0) - mean }
        var gram = columns.times(columns, transposingSelf: true)
        // Columns that are copies of each other, or constant, have a solution too.
        for i in 0..<gram.rowCount { gram[i, i] += 1e-6 * Double(labels.count) }
        var identity = DoubleMatrix(gram.rowCount, gram.rowCount)
        for i in 0..<gram.rowCount { identity[i, i] = 1 }
        let inverse = gram.solving(identity)
        let weights = inverse.times(columns.times(target, transposingSelf: true)).values
        search(Node(columns: Array(0..<x.columnCount), inverse: inverse.values, weights: weights), start: 0)
        best.sort()
    }

    /// - start: the columns before it stay.
    private mutating func search(_ node: Node, start: Int) {
        if node.columns.count == size {
            (best, bestCost) = (node.columns, node.cost)
            return
        }
        let node = node.ordered(from: start)
        // The costliest to remove stay longest: the first way down is the greedy one.
        for i in (start...size).reversed() where i < node.columns.count {
            guard node.cost + node.removalCost(i) < bestCost else { continue }
            nodes += 1
            guard nodes <= Self.nodeLimit else {
                isCertain = false
                return
            }
            search(node.removing(i), start: i)
        }
    }
}
