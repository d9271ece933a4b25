import PrismTensor

/// What the weights alone say of each latent.
public struct LatentDirections: Sendable {
    package var decoderNorms: [Float]
    /// Nil for dictionaries without one.
    package var encoderBiases: [Float]?
    package var neighbours: [[Neighbour]]
    /// Empty without a model, for a dictionary of a user's own vectors.
    package var logitEffects: [LogitEffects]

    package init(
        decoderNorms: [Float], encoderBiases: [Float]?, neighbours: [[Neighbour]], logitEffects: [LogitEffects]
    ) {
        self.decoderNorms = decoderNorms
        self.encoderBiases = encoderBiases
        self.neighbours = neighbours
        self.logitEffects = logitEffects
    }

    /// - decoder: [latents, width]
    /// - encoderBiases: [latents]
    /// - unembedding: [vocabulary, width], nil without a model.
    /// - finalNormWeight: [width], nil for a norm without weights.
    public init(
        decoder: Tensor, encoderBiases: [Float]?, unembedding: Tensor?, finalNormWeight: [Float]?,
        neighbourCount: Int = 8, effectCount: Int = 10, workers: Workers = Workers()
    ) {
        decoderNorms = (0..<decoder.rowCount).map(decoder.norm(ofRow:))
        self.encoderBiases = encoderBiases
        neighbours = nearestLatents(decoder: decoder, count: neighbourCount, workers: workers)
        logitEffects =
            unembedding.map {
                PrismAtlas.logitEffects(
                    decoder: decoder, unembedding: $0, finalNormWeight: finalNormWeight, count: effectCount,
                    workers: workers)
            } ?? []
    }
}
