import CPrismBLAS

/// A row-major matrix of doubles, for what is small and must be exact: covariances, Gram matrices, their eigenvectors.
package struct DoubleMatrix: Sendable {
    package let rowCount, columnCount: Int
    package var values: [Double]

    /// Zeros.
    package init(_ rowCount: Int, _ columnCount: Int) {
        self.rowCount = rowCount
        self.columnCount = columnCount
        values = [Double](repeating: 0, count: rowCount * columnCount)
    }

    package init(_ tensor: Tensor) {
        self.init(tensor.rowCount, tensor.rowWidth)
        for i in values.indices { values[i] = Double(tensor.data[i]) }
    }

    package subscript(row: Int, column: Int) -> Double {
        get { values[row * columnCount + column] }
        set { values[row * columnCount + column] = newValue }
    }

    package func row(_ row: Int) -> ArraySlice<Double> { values[row * columnCount..<(row + 1) * columnCount] }

    package var tensor: Tensor { Tensor(shape: [rowCount, columnCount], values.map(Float.init)) }

    /// The rows of the given numbers.
    package func rows(_ numbers: some Sequence<Int>) -> DoubleMatrix {
        let chosen = Array(numbers)
        var result = DoubleMatrix(chosen.count, columnCount)
        result.values = chosen.flatMap { row($0) }
        return result
    }

    /// Every row times its own factor.
    package func scalingRows(by factors: [Double]) -> DoubleMatrix {
        precondition(factors.count == rowCount)
        var result = self
        for r in 0..<rowCount { for c in 0..<columnCount { result[r, c] *= factors[r] } }
        return result
    }

    /// The Euclidean length of each row.
    package var rowNorms: [Double] { (0..<rowCount).map { row($0).reduce(0) { $0 + $1 * $1 }.squareRoot() } }

    /// Every row brought to length one; a row of zeros stays.
    package var unitRows: DoubleMatrix { scalingRows(by: rowNorms.map { $0 > 0 ? 1 / $0 : 0 }) }

    /// self · other, with either of them transposed first.
    package func times(_ other: DoubleMatrix, transposingSelf: Bool = false, transposingOther: Bool = false)
        -> DoubleMatrix
    {
        let (m, k) = transposingSelf ? (columnCount, rowCount) : (rowCount, columnCount)
        let (inner, n) =
            transposingOther ? (other.columnCount, other.rowCount) : (other.rowCount, other.columnCount)
        precondition(k == inner)
        var result = DoubleMatrix(m, n)
        _ = CPUBackend.singleThreadedBLAS
        guard n > 1 else {
            // Of one column each number of self is needed once: packing it would cost more than the product.
            cblas_dgemv(
                CblasRowMajor, transposingSelf ? CblasTrans : CblasNoTrans, Int32(rowCount), Int32(columnCount), 1,
                values,
                Int32(max(1, columnCount)), other.values, 1, 0, &result.values, 1)
            return result
        }
        cblas_dgemm(
            CblasRowMajor, transposingSelf ? CblasTrans : CblasNoTrans, transposingOther ? CblasTrans : CblasNoTrans,
            Int32(m), Int32(n), Int32(k), 1, values, Int32(max(1, columnCount)), other.values,
            Int32(max(1, other.columnCount)), 0, &result.values, Int32(max(1, n)))
        return result
    }

    /// self += xᵀ x in the upper triangle; what lies below the diagonal is then without meaning.
    /// - x: [any, columns of self].
    package mutating func addUpperGram(of x: DoubleMatrix, workers: Workers) {
        let (n, rows) = (columnCount, Int32(x.rowCount))
        precondition(rowCount == n && x.columnCount == n)
        _ = CPUBackend.singleThreadedBLAS
        x.values.withUnsafeBufferPointer { x in
            values.withUnsafeMutableBufferPointer { values in
                nonisolated(unsafe) let (x, values) = (x.baseAddress!, values.baseAddress!)
                // A stripe of the triangle each: which thread takes it changes no bit.
                workers.forEachRange(n, by: 64) { _, stripe in
                    let first = stripe.lowerBound
                    cblas_dgemm(
                        CblasRowMajor, CblasTrans, CblasNoTrans, Int32(stripe.count), Int32(n - first), rows, 1,
                        x + first, Int32(n), x + first, Int32(n), 1, values + first * n + first, Int32(n))
                }
            }
        }
    }

    /// X of self · X = other, by LU with partial pivoting. - precondition: self is square and not singular.
    package func solving(_ other: DoubleMatrix) -> DoubleMatrix {
        precondition(rowCount == columnCount && other.rowCount == rowCount)
        _ = CPUBackend.singleThreadedBLAS
        // LAPACK counts by columns: it sees the transposes.
        var (matrix, result) = (transposed, other.transposed)
        var (n, count, info) = (Int32(rowCount), Int32(other.columnCount), Int32(0))
        var pivots = [Int32](repeating: 0, count: rowCount)
        dgesv_(&n, &count, &matrix.values, &n, &pivots, &result.values, &n, &info)
        precondition(info == 0, "no solution: LAPACK's dgesv says \(info)")
        return result.transposed
    }

    private var transposed: DoubleMatrix {
        var result = DoubleMatrix(columnCount, rowCount)
        for r in 0..<rowCount { for c in 0..<columnCount { result[c, r] = self[r, c] } }
        return result
    }

    /// Eigenvalues of a symmetric matrix, descending, and an eigenvector for each in the rows of `vectors`, of length one
    /// and with its largest entry (the first of equals) positive, so that results repeat.
    package func symmetricEigen() -> (values: [Double], vectors: DoubleMatrix) {
        var vectors = self
        let ascending = eigen(overwriting: &vectors.values, job: "V")
        // LAPACK counts by columns, so its column vectors are our rows.
        vectors = vectors.rows((0..<rowCount).reversed())
        let signs = (0..<rowCount).map { i in
            let vector = vectors.row(i)
            return vector[vector.indices.max { abs(vector[$0]) < abs(vector[$1]) }!] < 0 ? -1.0 : 1.0
        }
        return (ascending.reversed(), vectors.scalingRows(by: signs))
    }

    /// The largest eigenvalue of a symmetric matrix.
    package func largestEigenvalue() -> Double {
        var scratch = values
        return eigen(overwriting: &scratch, job: "N").last ?? 0
    }

    private func eigen(overwriting matrix: inout [Double], job: String) -> [Double] {
        precondition(rowCount == columnCount)
        guard rowCount > 0 else { return [] }
        _ = CPUBackend.singleThreadedBLAS
        var (n, info) = (Int32(rowCount), Int32(0))
        var result = [Double](repeating: 0, count: rowCount)
        var (workCount, integerCount) = (Int32(-1), Int32(-1))
        var (work, integers) = ([0.0], [Int32(0)])
        // The first call asks for the sizes of the scratch memory.
        for _ in 0..<2 {
            dsyevd_(job, "U", &n, &matrix, &n, &result, &work, &workCount, &integers, &integerCount, &info)
            precondition(info == 0, "no eigenvalues: LAPACK's dsyevd says \(info)")
            guard workCount < 0 else { break }
            (workCount, integerCount) = (Int32(work[0]), integers[0])
            work = [Double](repeating: 0, count: Int(workCount))
            integers = [Int32](repeating: 0, count: Int(integerCount))
        }
        return result
    }
}
