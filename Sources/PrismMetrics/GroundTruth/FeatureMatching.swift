import PrismCore
import PrismActivations
import PrismTensor

/// How a dictionary's directions match the true ones: by |cos|, because the sign of a direction is a convention.
public struct FeatureMatching: Sendable {
    /// The largest |cos| of each feature to any latent, [features].
    public let nearest: [Float]
    /// The feature nearest to each latent (of several the first), [latents].
    public let featureOfLatent: [Int]
    /// |cos| of each pair of the one-to-one matching with the largest sum; as many pairs as there are latents or features,
    /// whichever are fewer.
    public let matched: [Float]

    /// From this |cos| on a feature counts as recovered.
    public static let recovered: Float = 0.9

    /// - decoder: [latents, width]. directions: [features, width].
    public init(decoder: Tensor, directions: Tensor, workers: Workers) {
        precondition(decoder.rowWidth == directions.rowWidth)
        let latentsAreRows = decoder.rowCount <= directions.rowCount
        let (few, many) = latentsAreRows ? (decoder, directions) : (directions, decoder)
        let cosines = cosineMatrix(few, many, workers)
        for i in 0..<cosines.count { cosines.data[i] = abs(cosines.data[i]) }
        var rows = [(value: Float, index: Int)](repeating: (-1, 0), count: few.rowCount)
        var columns = [(value: Float, index: Int)](repeating: (-1, 0), count: many.rowCount)
        for i in 0..<few.rowCount {
            let row = cosines[i]
            for j in 0..<many.rowCount {
                if row[j] > rows[i].value { rows[i] = (row[j], j) }
                if row[j] > columns[j].value { columns[j] = (row[j], i) }
            }
        }
        let (ofLatents, ofFeatures) = latentsAreRows ? (rows, columns) : (columns, rows)
        nearest = ofFeatures.map(\.value)
        featureOfLatent = ofLatents.map(\.index)
        matched = maximumAssignment(cosines).enumerated().map { cosines[$0][$1] }
    }

    /// Each with an interval from resampling the features (the pairs for `mcc`):
    /// - `mmcs`: mean over features of the largest |cos| to a latent (Sharkey et al. 2022). Latents that share a feature cost
    ///   nothing.
    /// - `mcc`: mean |cos| of the matched pairs; a latent that shares its feature is left with a poor partner. The mean is
    ///   over all pairs there can be, so that a narrow dictionary is not blamed for features it has no latents for.
    /// - `uniqueness`: different features that are nearest to some latent, over latents.
    /// - `features_recovered`: share of the features with a latent at |cos| ≥ 0.9.
    public func estimates() -> [String: Estimate] {
        var isTracked = [Double](repeating: 0, count: nearest.count)
        for feature in featureOfLatent { isTracked[feature] = 1 }
        let perLatent = Double(nearest.count) / Double(max(1, featureOfLatent.count))
        let bootstrap = Bootstrap(contexts: nearest.count)
        return [
            "mmcs": bootstrap.mean(of: nearest.map(Double.init)),
            "mcc": Bootstrap(contexts: matched.count).mean(of: matched.map(Double.init)),
            "uniqueness": bootstrap.mean(of: isTracked.map { $0 * perLatent }),
            "features_recovered": bootstrap.mean(of: nearest.map { $0 >= Self.recovered ? 1 : 0 }),
        ]
    }
}

/// The cosine of each row of a with each of b, [a's rows, b's rows]; 0 with a row of zeros.
package func cosineMatrix(_ a: Tensor, _ b: Tensor, _ workers: Workers) -> Tensor {
    let backend = CPUBackend()
    func normalised(_ matrix: Tensor) -> Tensor {
        let result = matrix.copy()
        result.normaliseRows()
        return result
    }
    let (rows, weight) = (normalised(a), backend.prepare(normalised(b), precision: .fp32))
    let out = Tensor(a.rowCount, b.rowCount)
    workers.forEachRange(a.rowCount, by: 64) { _, range in
        backend.linear(rows.rows(range), weight, into: out.rows(range))
    }
    return out
}
