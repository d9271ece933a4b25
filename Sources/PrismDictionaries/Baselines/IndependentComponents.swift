import Foundation
import PrismCore
import PrismTensor

/// Independent components by FastICA, symmetric, with log cosh (Hyvärinen 1999, eq. 20 and section IV): directions along
/// which whitened vectors are as far from Gaussian as they can be.
///
///     z = Λ^(−½) V (x − x̄)                           whitening by the leading principal components (variances Λ, rows V)
///     W ← (W Wᵀ)^(−½) W,  W ← E[g(Wz) zᵀ] − E[g′(Wz)] ∘ W,  g = tanh,        until |wᵢ · wᵢ′| > 1 − 10⁻⁴ for all i
///     c = W z        x̂ = x̄ + Vᵀ Λ^½ Wᵀ c           the mixing matrix's columns become the decoder's rows
///
/// A step costs 4 · rows · components² operations and an eigen-decomposition; all 576 components of a layer take minutes.
/// Components are sorted by the variance that each brings, and signed so that their decoder row's largest entry is positive.
struct IndependentComponents {
    let directions: SignedDirections
    /// Where components are left that look Gaussian from every side, W never stands still.
    private static let iterationLimit = 200

    /// - sample: vectors, [any, width]. count: components, at most the width.
    /// - Throws: `PrismError.badData` if the vectors vary in fewer directions.
    init(_ sample: Tensor, count: Int, seed: UInt64, workers: Workers) throws {
        var moments = ActivationMoments(width: sample.rowWidth)
        moments.add(sample, workers: workers)
        try moments.requireVectors()
        let principal = PrincipalComponents(moments)
        // Below this a variance is what rounding of fp32 vectors leaves of zero.
        let rank = principal.variances.prefix { $0 > 1e-10 * principal.variances[0] }.count
        guard count <= rank else {
            throw PrismError.badData(
                "the vectors vary in \(rank) directions only, too few for \(count) independent components; ask for at most \(2 * rank) latents"
            )
        }
        let deviations = principal.variances.prefix(count).map { $0.squareRoot() }
        let leading = principal.vectors.rows(0..<count)
        let whitening = leading.scalingRows(by: deviations.map { 1 / $0 })
        let z = Self.whiten(sample, mean: principal.mean, whitening.tensor, workers)

        var generator = SeededGenerator(seed: seed, stream: "ica")
        var unmixing = DoubleMatrix(count, count)
        for i in unmixing.values.indices { unmixing.values[i] = Double(generator.normal()) }
        unmixing = unmixing.orthonormalised
        for _ in 0..<Self.iterationLimit {
            try Interrupt.check()
            let next = Self.step(unmixing, z, workers).orthonormalised
            let turned = (0..<count).map { i in
                abs(zip(next.row(i), unmixing.row(i)).reduce(0) { $0 + $1.0 * $1.1 })
            }
            unmixing = next
            if turned.allSatisfy({ $0 > 1 - 1e-4 }) { break }
        }

        let mixing = unmixing.times(leading.scalingRows(by: deviations))
        let norms = mixing.rowNorms
        let order = (0..<count).sorted { (norms[$0], $1) > (norms[$1], $0) }
        let signs = order.map { i in
            let row = mixing.row(i)
            return row[row.indices.max { abs(row[$0]) < abs(row[$1]) }!] < 0 ? -1.0 : 1.0
        }
        directions = SignedDirections(
            analysis: unmixing.times(whitening).rows(order).scalingRows(by: signs),
            synthesis: mixing.rows(order).scalingRows(by: signs), mean: principal.mean)
    }

    /// - whitening: [components, width]. Returns: [rows, components].
    private static func whiten(_ x: Tensor, mean: [Double], _ whitening: Tensor, _ workers: Workers) -> Tensor {
        let result = Tensor(x.rowCount, whitening.rowCount)
        workers.forEachRange(x.rowCount, by: 256) { _, range in
            let centred = x.rows(range).copy()
            for t in 0..<range.count { for c in 0..<x.rowWidth { centred[t][c] -= Float(mean[c]) } }
            CPUBackend().multiply(centred, by: whitening, transposed: true, into: result.rows(range))
        }
        return result
    }

    /// E[g(Wz) zᵀ] − E[g′(Wz)] ∘ W. The rows are summed in eight parts, whatever the number of threads.
    /// - z: [rows, components].
    private static func step(_ unmixing: DoubleMatrix, _ z: Tensor, _ workers: Workers) -> DoubleMatrix {
        let (count, w, backend) = (unmixing.rowCount, unmixing.tensor, CPUBackend())
        let parts = workers.map(z.rowCount, by: (z.rowCount + 7) / 8) { _, part in
            let (sum, product) = (Tensor(count, count), Tensor(count, count))
            var slopes = [Double](repeating: 0, count: count)
            for start in stride(from: part.lowerBound, to: part.upperBound, by: 256) {
                let block = z.rows(start..<min(start + 256, part.upperBound))
                let g = Tensor(count, block.rowCount)
                backend.multiply(w, by: block, transposed: true, into: g)
                for i in 0..<count {
                    var slope: Float = 0
                    for t in 0..<block.rowCount {
                        g[i][t] = tanh(g[i][t])
                        slope += 1 - g[i][t] * g[i][t]
                    }
                    slopes[i] += Double(slope)
                }
                backend.multiply(g, by: block, transposed: false, into: product)
                backend.add(product, to: sum)
            }
            return (sum, slopes)
        }
        var result = DoubleMatrix(count, count)
        for i in 0..<count {
            let slope = parts.reduce(0) { $0 + $1.1[i] }
            for j in 0..<count {
                let sum = parts.reduce(0) { $0 + Double($1.0[i][j]) }
                result[i, j] = (sum - slope * unmixing[i, j]) / Double(z.rowCount)
            }
        }
        return result
    }
}

extension DoubleMatrix {
    /// (W Wᵀ)^(−½) W: the orthonormal rows nearest to W's.
    fileprivate var orthonormalised: DoubleMatrix {
        let (values, vectors) = times(self, transposingOther: true).symmetricEigen()
        let inverseRoots = vectors.scalingRows(by: values.map { 1 / max($0, 1e-300).squareRoot() })
        return vectors.times(inverseRoots, transposingSelf: true).times(self)
    }
}
