import PrismTensor
import Synchronization

/// A transformer's weights, laid out by a backend.
struct TransformerWeights: Sendable {
    /// [vocabulary, width]
    let embedding: Tensor
    /// Learned position embeddings, [context length, width].
    let positions: Tensor?
    let blocks: [Block]
    let finalNorm: Norm
    /// [vocabulary, width]
    let unembedding: Linear

    struct Block: Sendable {
        let attentionNorm: Norm?
        let query, key, value: Linear
        let queryNorm, keyNorm: Norm?
        let attentionOut: Linear
        let attentionPostNorm, mlpNorm: Norm?
        let gate: Linear?
        let up, down: Linear
        let mlpPostNorm: Norm?
    }

    /// A norm's numbers, [width] each.
    struct Norm: Sendable {
        let name: WeightName
        let weight: Tensor
        let bias: Tensor?
    }

    /// y = W x + b.
    final class Linear: Sendable {
        let name: WeightName
        let weight: LinearWeight
        let bias: Tensor?
        private let turned = Mutex<LinearWeight?>(nil)

        init(name: WeightName, weight: LinearWeight, bias: Tensor?) {
            self.name = name
            self.weight = weight
            self.bias = bias
        }

        /// Wᵀ, laid out when a gradient first asks for it.
        func transposed(_ backend: any Backend) -> LinearWeight {
            turned.withLock { turned in
                if let turned { return turned }
                let made = backend.transposed(weight)
                turned = made
                return made
            }
        }
    }

    /// - tensor: what a name of `configuration.weightNames` stands for, of its shape; asked by several threads.
    init(
        _ configuration: TransformerConfiguration, precision: Precision, backend: any Backend,
        tensor: (WeightName) throws -> Tensor
    ) throws {
        func optional(_ name: WeightName) throws -> Tensor? {
            try configuration.shape(of: name) == nil ? nil : tensor(name)
        }
        func norm(_ part: WeightName.Part, _ layer: Int? = nil) throws -> Norm? {
            let name = WeightName(part, layer: layer)
            return try optional(name).map { Norm(name: name, weight: $0, bias: try optional(name.bias)) }
        }
        func linear(_ part: WeightName.Part, _ layer: Int? = nil) throws -> Linear? {
            let name = WeightName(part, layer: layer)
            return try optional(name).map {
                Linear(
                    name: name, weight: backend.prepare($0, precision: precision), bias: try optional(name.bias))
            }
        }
        embedding = try tensor(WeightName(.embedding))
        positions = try optional(WeightName(.positions))
        func block(_ layer: Int) throws -> Block {
            Block(
                attentionNorm: try norm(.attentionNorm, layer), query: try linear(.query, layer)!,
                key: try linear(.key, layer)!, value: try linear(.value, layer)!,
                queryNorm: try norm(.queryNorm, layer), keyNorm: try norm(.keyNorm, layer),
                attentionOut: try linear(.attentionOut, layer)!,
                attentionPostNorm: try norm(.attentionPostNorm, layer), mlpNorm: try norm(.mlpNorm, layer),
                gate: try linear(.gate, layer), up: try linear(.up, layer)!, down: try linear(.down, layer)!,
                mlpPostNorm: try norm(.mlpPostNorm, layer))
        }
        blocks = try Workers().map(configuration.layerCount, by: 1) { _, layer in try block(layer.lowerBound) }
        finalNorm = try norm(.finalNorm)!
        unembedding =
            try linear(.unembedding)
            ?? Linear(
                name: WeightName(.embedding), weight: backend.prepare(embedding, precision: precision),
                bias: try optional(WeightName(.unembedding, isBias: true)))
    }
}
