extension Tensor {
    /// Euclidean length of a row, summed in double precision.
    package func norm(ofRow row: Int) -> Float {
        let numbers = self[row]
        return Float((0..<rowWidth).reduce(0.0) { $0 + Double(numbers[$1]) * Double(numbers[$1]) }.squareRoot())
    }

    /// Scales each row to norm 1; a row of zeros stays.
    package func normaliseRows() {
        for i in 0..<rowCount {
            let (row, scale) = (self[i], 1 / max(norm(ofRow: i), 1e-30))
            for c in 0..<rowWidth { row[c] *= scale }
        }
    }

    /// The rows of several tensors of equal width, one behind the other, copied.
    package init(joining parts: [Tensor]) {
        self.init(parts.reduce(0) { $0 + $1.rowCount }, parts.first?.rowWidth ?? 0)
        var row = 0
        for part in parts {
            precondition(part.rowWidth == rowWidth)
            self[row].update(from: part.data, count: part.count)
            row += part.rowCount
        }
    }

    /// The mean of each column.
    package var columnMeans: [Double] {
        var sums = [Double](repeating: 0, count: rowWidth)
        for t in 0..<rowCount { for c in 0..<rowWidth { sums[c] += Double(self[t][c]) } }
        return sums.map { $0 / Double(max(1, rowCount)) }
    }

    /// self − other.
    package func minus(_ other: Tensor) -> Tensor {
        precondition(shape == other.shape)
        let result = copy()
        for i in 0..<count { result.data[i] -= other.data[i] }
        return result
    }

    /// Every row without the same vector.
    package func minus(row: [Double]) -> Tensor {
        let result = copy()
        for t in 0..<rowCount { for c in row.indices { result[t][c] -= Float(row[c]) } }
        return result
    }

    /// Some rows, copied.
    package func gathered(_ rows: [Int]) -> Tensor {
        let result = Tensor(rows.count, rowWidth)
        for (i, row) in rows.enumerated() { result[i].update(from: self[row], count: rowWidth) }
        return result
    }

    /// Some columns, copied side by side.
    package func columns(_ ranges: [Range<Int>]) -> Tensor {
        if ranges == [0..<rowWidth] { return self }
        let result = Tensor(rowCount, ranges.reduce(0) { $0 + $1.count })
        for t in 0..<rowCount {
            var place = result[t]
            for range in ranges {
                place.update(from: self[t] + range.lowerBound, count: range.count)
                place += range.count
            }
        }
        return result
    }
}
