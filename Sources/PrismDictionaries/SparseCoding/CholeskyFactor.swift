/// L of L Lᵀ = G, row by row as G grows and shrinks.
package struct CholeskyFactor {
    private var rows: [[Double]] = []

    package init() {}

    /// - products: the new row of G up to its diagonal.
    /// - Returns: false, and nothing changes, if G would be singular to rounding.
    package mutating func append(_ products: [Double], diagonal: Double) -> Bool {
        var row = forward(products)
        let pivot = diagonal - dot(row, row)
        guard pivot > 1e-10 * diagonal else { return false }
        row.append(pivot.squareRoot())
        rows.append(row)
        return true
    }

    /// Takes a row and a column out of G. What L loses with column v comes back to the rows below as L Lᵀ + v vᵀ
    /// (Gill, Golub, Murray and Saunders 1974).
    package mutating func remove(at place: Int) {
        rows.remove(at: place)
        var v = rows[place...].indices.map { rows[$0].remove(at: place) }
        for j in place..<rows.count {
            let (pivot, lost) = (rows[j][j], v[j - place])
            let length = (pivot * pivot + lost * lost).squareRoot()
            let (c, s) = (length / pivot, lost / pivot)
            rows[j][j] = length
            for i in j + 1..<max(j + 1, rows.count) {
                rows[i][j] = (rows[i][j] + s * v[i - place]) / c
                v[i - place] = c * v[i - place] - s * rows[i][j]
            }
        }
    }

    /// G⁻¹ right.
    package func solve(_ right: [Double]) -> [Double] {
        var y = forward(right)
        for i in rows.indices.reversed() {
            y[i] /= rows[i][i]
            for j in 0..<i { y[j] -= rows[i][j] * y[i] }
        }
        return y
    }

    /// L⁻¹ right.
    private func forward(_ right: [Double]) -> [Double] {
        var y = right
        for i in y.indices {
            for j in 0..<i { y[i] -= rows[i][j] * y[j] }
            y[i] /= rows[i][i]
        }
        return y
    }
}

package func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
}
