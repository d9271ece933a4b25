import PrismTensor

/// The weights of a pre-norm decoder with gated MLPs, laid out by a backend.
struct TransformerWeights: Sendable {
    /// [vocabulary, width]
    let embedding: Tensor
    let blocks: [Block]
    /// [width]
    let finalNorm: Tensor
    /// [vocabulary, width]
    let unembedding: LinearWeight

    struct Block: Sendable {
        /// [width]
        let attentionNorm: Tensor
        /// [queryWidth, width]
        let query: LinearWeight
        /// [keyValueWidth, width]
        let key: LinearWeight
        /// [keyValueWidth, width]
        let value: LinearWeight
        /// [width, queryWidth]
        let attentionOut: LinearWeight
        /// [width]
        let mlpNorm: Tensor
        /// [mlpWidth, width]
        let gate: LinearWeight
        /// [mlpWidth, width]
        let up: LinearWeight
        /// [width, mlpWidth]
        let down: LinearWeight
    }
}
