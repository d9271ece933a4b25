import PrismCore
import PrismDictionaries
import PrismTensor

/// Measures a dictionary's geometry in one pass over vectors. Memory grows with the latents and neurons, not with the
/// vectors.
///
/// ```swift
/// let builder = try GeometryBuilder(dictionary, mean: mean, workers: workers)
/// for chunk in contexts.chunks(ofCount: 32) { builder.add(try labelled(chunk), workers: workers) }
/// let geometry = builder.finish(seed: 0, workers: workers)
/// ```
public final class GeometryBuilder {
    private let dictionary: SparseDictionary
    private let mean: [Double]
    private let compared: ComparedDictionary?
    private let tally: GeometryTally
    private let comparison: ComparisonTally?

    /// - mean: of the vectors, or of a sample of them, [width]. compared: a dictionary to set beside this one.
    /// - Throws: `PrismError.usage` if the two have too many pairs of latents.
    public init(
        _ dictionary: SparseDictionary, mean: [Double], compared: ComparedDictionary? = nil, workers: Workers
    ) throws {
        precondition(mean.count == dictionary.width)
        self.dictionary = dictionary
        self.mean = mean
        self.compared = compared
        tally = GeometryTally(latents: dictionary.latentCount, neurons: mean.count)
        comparison = try compared.map { try ComparisonTally(dictionary, $0, workers: workers) }
    }

    /// Adds contexts. The other dictionary reads what they hold from elsewhere, or the same vectors.
    public func add(_ contexts: [LabelledVectors], workers: Workers) {
        let x = Tensor(joining: contexts.map(\.x))
        guard x.rowCount > 0 else { return }
        add(contexts, UnitResponses(dictionary, x, workers: workers), centred: x.minus(row: mean), workers: workers)
    }

    /// - latents: what they respond to the contexts' vectors. centred: those vectors without their mean.
    func add(_ contexts: [LabelledVectors], _ latents: UnitResponses, centred: Tensor, workers: Workers) {
        tally.add(latents, neurons: centred, workers: workers)
        if let compared, let comparison {
            let other = Tensor(joining: contexts.map { $0.elsewhere ?? $0.x })
            comparison.add(latents, UnitResponses(compared.dictionary, other, workers: workers), workers: workers)
        }
    }

    /// - seed: of the map.
    public func finish(seed: UInt64, workers: Workers) -> LatentGeometry {
        LatentGeometry(tally, comparison, decoder: dictionary.decoder, seed: seed, workers: workers)
    }
}
