import PrismTensor

/// The scratch memory of one thread's forward passes, allocated once for blocks of up to `capacity` rows.
final class Workspace: Sendable {
    let capacity: Int
    /// The residual stream, [capacity, width].
    let residual: Tensor
    /// What a norm puts out, [capacity, width].
    let normed: Tensor
    /// What attention or the MLP will add to the residual stream, [capacity, width].
    let branch: Tensor
    /// [capacity, queryWidth]
    let queries: Tensor
    /// Attention's output before its projection, [capacity, queryWidth].
    let mixed: Tensor
    /// Keys and values of the block in hand, [capacity, keyValueWidth].
    let keys: Tensor
    let values: Tensor
    /// [capacity, mlpWidth]
    let gate: Tensor
    let up: Tensor

    init(_ configuration: TransformerConfiguration, capacity: Int) {
        self.capacity = capacity
        residual = Tensor(capacity, configuration.width)
        normed = Tensor(capacity, configuration.width)
        branch = Tensor(capacity, configuration.width)
        queries = Tensor(capacity, configuration.queryWidth)
        mixed = Tensor(capacity, configuration.queryWidth)
        keys = Tensor(capacity, configuration.keyValueWidth)
        values = Tensor(capacity, configuration.keyValueWidth)
        gate = Tensor(capacity, configuration.mlpWidth)
        up = Tensor(capacity, configuration.mlpWidth)
    }
}

/// Keys and values of the positions that a context has behind it, so that each new token costs one row.
final class KeyValueCache {
    /// Per layer [capacity, keyValueWidth].
    let keys: [Tensor]
    let values: [Tensor]
    /// Positions filled.
    var count = 0

    init(_ configuration: TransformerConfiguration, capacity: Int) {
        keys = (0..<configuration.layerCount).map { _ in Tensor(capacity, configuration.keyValueWidth) }
        values = (0..<configuration.layerCount).map { _ in Tensor(capacity, configuration.keyValueWidth) }
    }
}
