import PrismCore
import PrismTensor

extension SignedDirections {
    /// Directions drawn evenly from the sphere, any number of them.
    ///
    ///     cᵢ = s vᵢ · (x − x̄)        x̂ = x̄ + Σ_{i kept} cᵢ vᵢ        s = argmin_s E‖x − x̂‖²
    ///
    /// Directions that are not orthogonal count what they share several times over; s, one number, takes that back as well
    /// as one number can (for all n directions in d dimensions it is about d / n). Scaling by it moves no latent out of the
    /// k largest, so it has a closed form: with u = x̂ − x̄ at s = 1, s = Σ (x − x̄) · u / Σ‖u‖².
    /// - sample: vectors, [any, width].
    static func random(_ count: Int, k: Int?, seed: UInt64, scaledTo sample: Tensor, workers: Workers) throws
        -> SignedDirections
    {
        var moments = ActivationMoments(width: sample.rowWidth)
        moments.add(sample, workers: workers)
        try moments.requireVectors()
        let mean = moments.mean
        var generator = SeededGenerator(seed: seed, stream: "random directions")
        var drawn = DoubleMatrix(count, sample.rowWidth)
        for i in drawn.values.indices { drawn.values[i] = Double(generator.normal()) }
        drawn = drawn.unitRows
        let unscaled = SignedDirections(analysis: drawn, synthesis: drawn, mean: mean)
        let dictionary = unscaled.dictionary(k: k)
        let x = sample.rows(0..<min(4096, sample.rowCount))
        let output = Tensor(shape: x.shape)
        dictionary.decode(dictionary.encode(x, workers: workers), of: x, into: output, workers: workers)
        var (product, square) = (0.0, 0.0)
        for t in 0..<x.rowCount {
            for c in 0..<x.rowWidth {
                let u = Double(output[t][c]) - mean[c]
                product += (Double(x[t][c]) - mean[c]) * u
                square += u * u
            }
        }
        return unscaled.scaled(by: square > 0 ? product / square : 1)
    }
}
