import PrismTensor

/// Directions that count with either sign, as a dictionary of twice as many latents:
///
///     cᵢ = wᵢ · (x − x̄)        x̂ = x̄ + Σᵢ cᵢ vᵢ        z₂ᵢ = max(0, cᵢ)    z₂ᵢ₊₁ = max(0, −cᵢ)
///
/// vᵢ has length one, as the rows of a trained decoder have, so that a latent's value says how much of the vector it is
/// and TopK keeps those that contribute most.
struct SignedDirections {
    /// W, [directions, width].
    private(set) var analysis: DoubleMatrix
    /// V, rows of length one, [directions, width].
    let synthesis: DoubleMatrix
    /// x̄, [width].
    let mean: [Double]

    /// - analysis, synthesis: [directions, width]; what W loses by shortening a row of V goes into the row of W.
    init(analysis: DoubleMatrix, synthesis: DoubleMatrix, mean: [Double]) {
        self.analysis = analysis.scalingRows(by: synthesis.rowNorms)
        self.synthesis = synthesis.unitRows
        self.mean = mean
    }

    /// The coordinates of greatest variance (of equals the lower): the neurons, about their means.
    init(neurons count: Int, of moments: ActivationMoments) {
        let covariance = moments.covariance
        let order = (0..<covariance.rowCount).sorted { (covariance[$0, $0], $1) > (covariance[$1, $1], $0) }
        var axes = DoubleMatrix(count, covariance.rowCount)
        for (i, neuron) in order.prefix(count).enumerated() { axes[i, neuron] = 1 }
        self.init(analysis: axes, synthesis: axes, mean: moments.mean)
    }

    /// The same with every value multiplied by `factor`.
    func scaled(by factor: Double) -> SignedDirections {
        var result = self
        result.analysis = analysis.scalingRows(by: [Double](repeating: factor, count: analysis.rowCount))
        return result
    }

    /// - k: nil for all that are positive.
    func dictionary(k: Int?) -> SparseDictionary {
        func bothSigns(_ rows: DoubleMatrix) -> Tensor {
            let result = Tensor(2 * rows.rowCount, rows.columnCount)
            for i in 0..<rows.rowCount {
                for c in 0..<rows.columnCount {
                    result[2 * i][c] = Float(rows[i, c])
                    result[2 * i + 1][c] = -Float(rows[i, c])
                }
            }
            return result
        }
        return SparseDictionary(
            encoder: bothSigns(analysis), encoderBias: Tensor(2 * analysis.rowCount), decoder: bothSigns(synthesis),
            decoderBias: Tensor(shape: [mean.count], mean.map(Float.init)), activation: k.map { .topK($0) } ?? .relu)
    }
}
