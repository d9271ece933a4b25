import PrismTensor

/// The scratch memory of one thread's passes: tensors of up to `capacity` rows, lent out by width and used again.
///
/// Sendable because one thread at a time holds it.
final class Workspace: @unchecked Sendable {
    let capacity: Int
    private var spare: [Int: [Tensor]] = [:]

    init(capacity: Int) { self.capacity = capacity }

    /// A tensor whose numbers are whatever was left there.
    func take(width: Int) -> Tensor { spare[width]?.popLast() ?? Tensor(capacity, width) }

    func giveBack(_ tensor: Tensor) { spare[tensor.rowWidth, default: []].append(tensor) }
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
