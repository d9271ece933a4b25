import PrismActivations
import PrismCore
import PrismDictionaries
import PrismTensor

extension Evaluation {
    /// Also how well the dictionary finds the features that vectors are known to be made of: what `FeatureMatching` and
    /// `DetectionTally` define.
    public func adding(
        _ dictionary: SparseDictionary, against truth: SyntheticActivations, workers: Workers
    ) throws -> Evaluation {
        try dictionary.requireWidths(input: truth.width, output: truth.width, "the synthetic vectors")
        let matching = FeatureMatching(
            decoder: dictionary.decoder, directions: truth.features.directions, workers: workers)
        var tallies: [DetectionTally] = []
        // Vectors are independent; the blocks are there to be resampled.
        let block = 128
        for start in stride(from: 0, to: truth.vectorCount, by: block) {
            try Interrupt.check()
            let range = start..<min(start + block, truth.vectorCount)
            let x = Tensor(range.count, truth.width)
            try truth.read(range, into: x, workers: workers) { _ in }
            tallies.append(
                DetectionTally(
                    dictionary.encode(x, workers: workers), truth: truth.codes(range, workers: workers),
                    featureOfLatent: matching.featureOfLatent, featureCount: truth.features.directions.rowCount))
        }
        var result = self
        result.metrics.merge(matching.estimates()) { $1 }
        result.metrics.merge(DetectionTally.estimates(tallies)) { $1 }
        return result
    }
}
