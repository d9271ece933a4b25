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

    /// - x: [rows, inputs]. y: [rows, outputs].
    init(from x: Tensor, to y: Tensor) {
        let cut = x.rowCount * 4 / 5
        let (kept, left) = (0..<cut, cut..<x.rowCount)
        let trials = Self.fits(from: x.rows(kept), to: y.rows(kept), Self.ridges)
        let errors = trials.map { map in
            let rest = y.rows(left).minus(map(x.rows(left)))
            return (0..<rest.rowCount).reduce(0.0) { $0 + Double(rest.norm(ofRow: $1)) * Double(rest.norm(ofRow: $1)) }
        }
        let best = errors.indices.min { errors[$0] < errors[$1] }!
        self = Self.fits(from: x, to: y, [Self.ridges[best]])[0]
    }

    private init(_ weights: Tensor, _ inputMean: [Double], _ outputMean: [Double]) {
        (self.weights, self.inputMean, self.outputMean) = (weights, inputMean, outputMean)
    }

    private static func fits(from x: Tensor, to y: Tensor, _ ridges: [Double]) -> [LinearMap] {
        let (inputMean, outputMean) = (x.columnMeans, y.columnMeans)
        let (inputs, outputs) = (x.centred(inputMean), y.centred(outputMean))
        let gram = inputs.times(inputs, transposingSelf: true)
        let products = inputs.times(outputs, transposingSelf: true)
        let width = gram.rowCount
        let diagonal = (0..<width).reduce(0) { $0 + gram[$1, $1] } / Double(max(1, width))
        return ridges.map { ridge in
            var matrix = gram
            // A constant input, too, has a solution.
            for i in 0..<width { matrix[i, i] += max(ridge * diagonal, 1e-30) }
            return LinearMap(matrix.solving(products).tensor, inputMean, outputMean)
        }
    }

    /// ŷ of each row.
    func callAsFunction(_ x: Tensor) -> Tensor {
        let result = Tensor(x.rowCount, weights.rowWidth)
        CPUBackend().multiply(x.centred(inputMean).tensor, by: weights, transposed: false, into: result)
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
