import PrismTensor

/// The best affine map from one vector to another, by least squares with a ridge.
///
///     ŷ = ȳ + B (x − x̄),   B = argmin Σ‖y − ȳ − B (x − x̄)‖² + λ‖B‖²
///
/// λ, in units of the mean diagonal of Σ (x − x̄)(x − x̄)ᵀ, is the one of `ridges` that does best on the last fifth of the
/// rows when fitted on the others.
struct LinearMap {
    /// Bᵀ, [inputs, outputs].
    private let weights: Tensor
    private let inputMean, outputMean: [Double]

    private static let ridges = [1e-4, 1e-3, 1e-2, 1e-1, 1]

    /// A map to each target; what they have in common is computed once.
    /// - x: [rows, inputs]. targets: [rows, outputs] each.
    static func maps(from x: Tensor, to targets: [Tensor], workers: Workers) -> [LinearMap] {
        let cut = x.rowCount * 4 / 5
        let (kept, left) = (0..<cut, cut..<x.rowCount)
        let trial = Problem(x.rows(kept), targets.map { $0.rows(kept) }, workers)
        let trials = workers.map(ridges.count, by: 1) { _, range in trial.solutions(ridges[range.lowerBound]) }
        let best = workers.map(targets.count, by: 1) { _, range in
            let target = targets[range.lowerBound].rows(left)
            let errors = trials.map { maps in
                let rest = target.minus(maps[range.lowerBound](x.rows(left)))
                return (0..<rest.rowCount).reduce(0.0) {
                    $0 + Double(rest.norm(ofRow: $1)) * Double(rest.norm(ofRow: $1))
                }
            }
            return errors.indices.min { errors[$0] < errors[$1] }!
        }
        let whole = Problem(x, targets, workers)
        let chosen = Array(Set(best)).sorted()
        let solutions = workers.map(chosen.count, by: 1) { _, range in whole.solutions(ridges[chosen[range.lowerBound]])
        }
        return targets.indices.map { solutions[chosen.firstIndex(of: best[$0])!][$0] }
    }

    private init(_ weights: Tensor, _ inputMean: [Double], _ outputMean: [Double]) {
        (self.weights, self.inputMean, self.outputMean) = (weights, inputMean, outputMean)
    }

    /// The normal equations of all targets side by side.
    private struct Problem {
        private var gram: DoubleMatrix
        private let products: DoubleMatrix
        private let diagonal: Double
        private let inputMean: [Double]
        private let outputMeans: [[Double]]

        init(_ x: Tensor, _ targets: [Tensor], _ workers: Workers) {
            inputMean = x.columnMeans
            outputMeans = targets.map(\.columnMeans)
            let inputs = x.centred(inputMean)
            let width = x.rowWidth
            var gram = DoubleMatrix(width, width)
            gram.addUpperGram(of: inputs, workers: workers)
            for i in 0..<width { for j in 0..<i { gram[i, j] = gram[j, i] } }
            diagonal = (0..<width).reduce(0) { $0 + gram[$1, $1] } / Double(max(1, width))
            self.gram = gram
            let outputs = zip(targets, outputMeans).map { $0.centred($1) }
            // Stripes of columns: which thread takes one changes no bit.
            let total = outputs.reduce(0) { $0 + $1.columnCount }
            let joined = outputs.dropFirst().reduce(outputs[0]) { $0.joined($1) }
            let stripes = workers.map(total, by: 256) { _, range in
                inputs.times(joined.columns(range), transposingSelf: true)
            }
            products = stripes.dropFirst().reduce(stripes[0]) { $0.joined($1) }
        }

        func solutions(_ ridge: Double) -> [LinearMap] {
            var matrix = gram
            // A constant input, too, has a solution.
            for i in 0..<matrix.rowCount { matrix[i, i] += max(ridge * diagonal, 1e-30) }
            let weights = matrix.solving(products)
            var first = 0
            return outputMeans.map { mean in
                defer { first += mean.count }
                return LinearMap(weights.columns(first..<first + mean.count).tensor, inputMean, mean)
            }
        }
    }

    /// ŷ of each row.
    func callAsFunction(_ x: Tensor) -> Tensor {
        let result = Tensor(x.rowCount, weights.rowWidth)
        CPUBackend().multiply(x.minus(row: inputMean), by: weights, transposed: false, into: result)
        for t in 0..<result.rowCount { for c in outputMean.indices { result[t][c] += Float(outputMean[c]) } }
        return result
    }
}

extension Tensor {
    fileprivate func centred(_ mean: [Double]) -> DoubleMatrix {
        var result = DoubleMatrix(self)
        for t in 0..<rowCount { for c in mean.indices { result[t, c] -= mean[c] } }
        return result
    }
}

extension DoubleMatrix {
    /// Some columns, copied.
    fileprivate func columns(_ range: Range<Int>) -> DoubleMatrix {
        var result = DoubleMatrix(rowCount, range.count)
        for r in 0..<rowCount { for (place, c) in range.enumerated() { result[r, place] = self[r, c] } }
        return result
    }

    /// The columns of another matrix beside its own.
    fileprivate func joined(_ other: DoubleMatrix) -> DoubleMatrix {
        var result = DoubleMatrix(rowCount, columnCount + other.columnCount)
        result.values = (0..<rowCount).flatMap { row($0) + other.row($0) }
        return result
    }
}
