import PrismActivations
import PrismCore
import PrismDictionaries
import PrismTensor

/// A dictionary at its place in a model: what its latents are functions of, and what they write.
///
/// An autoencoder reads and writes one hook point; a transcoder reads what an MLP reads and writes what that MLP adds to the
/// residual stream.
public struct PlacedDictionary: Sendable {
    /// What the user calls it: its run's folder, or `folder:dictionary`.
    public let name: String
    public let dictionary: SparseDictionary
    public let reads, writes: HookPoint
    /// What it was not trained on, and is not applied to; nil for nothing.
    public let sinks: SinkFilter?

    /// - Throws: `PrismError.usage` for a dictionary that standardises its input: what it writes is no sum of z · d.
    public init(
        name: String, _ dictionary: SparseDictionary, reads: HookPoint, writes: HookPoint, sinks: SinkFilter? = nil
    ) throws {
        guard !dictionary.standardisesInput else {
            throw PrismError.usage("\(name) standardises its input; what it writes is not a sum of its latents")
        }
        self.name = name
        self.dictionary = dictionary
        self.reads = reads
        self.writes = writes
        self.sinks = sinks
    }

    /// Whether what it writes stands for what it reads.
    public var isAutoencoder: Bool { reads == writes }

    /// z of activations where it reads, [rows, width]; of attention sinks none is active.
    public func encode(_ x: Tensor, workers: Workers = Workers(count: 1)) -> SparseCodes {
        let codes = dictionary.encode(x, workers: workers)
        if let sinks {
            for row in 0..<x.rowCount where sinks.contains(x[row]) { codes.counts[row] = 0 }
        }
        return codes
    }
}
