import PrismTensor

/// An attribution graph (Ameisen et al. 2025): the direct linear effects between the parts of a local replacement model.
///
///     weight[t][s] = xₛ · ∂yₜ/∂xₛ
///
/// yₜ is a feature's pre-activation, or a logit less the mean of all; xₛ is what a source adds to the residual stream.
/// Σₛ weight[t][s], with the part of the biases, is yₜ.
public struct AttributionGraph: Sendable {
    /// What stands at a node.
    public enum Node: Hashable, Sendable {
        /// A latent of the transcoder that reads `layer`.
        case feature(layer: Int, latent: Int, position: Int)
        /// What transcoders leave over of an MLP's output.
        case error(layer: Int, position: Int)
        /// A token's embedding, with its position's where the model has one.
        case token(Int32, position: Int)
        case logit(Int32)
    }

    public let tokens: [Int32]
    public let layerCount: Int
    /// Latents that are active anywhere in the prompt.
    public let activeCount: Int
    /// Those that were traced, in order of layers, positions, latents: nodes 0 ..< features.count.
    public let features: [LocalReplacement.Feature]
    /// In order of probability: the last nodes.
    public let logits: [LogitTarget]
    /// A row for each target, features and then logits; a column for each source, features, errors by layer, tokens.
    public let weights: Tensor
    /// For each target yₜ − Σₛ weight[t][s] − the transcoders' biases' part, before features were left out of the graph: the
    /// part of the model's own biases, and of rounding.
    public let remainders: [Double]
    /// yₜ
    public let values: [Double]

    public var errorCount: Int { layerCount * tokens.count }
    /// Features, errors, tokens: all nodes but logits.
    public var sourceCount: Int { weights.rowWidth }
    public var nodeCount: Int { sourceCount + logits.count }
    /// The node that a row of `weights` leads to.
    func node(ofTarget row: Int) -> Int { row < features.count ? row : sourceCount + row - features.count }
    /// The row of `weights` of what leads to a node; nil for errors and tokens, where paths begin.
    func target(ofNode node: Int) -> Int? {
        node < features.count ? node : node >= sourceCount ? features.count + node - sourceCount : nil
    }

    public func node(_ number: Int) -> Node {
        let (errors, tokenNodes) = (features.count, features.count + errorCount)
        switch number {
        case ..<errors:
            let feature = features[number]
            return .feature(layer: feature.layer, latent: feature.latent, position: feature.position)
        case ..<tokenNodes:
            let (layer, position) = (number - errors).quotientAndRemainder(dividingBy: tokens.count)
            return .error(layer: layer, position: position)
        case ..<sourceCount:
            return .token(tokens[number - tokenNodes], position: number - tokenNodes)
        default:
            return .logit(logits[number - sourceCount].token)
        }
    }
}
