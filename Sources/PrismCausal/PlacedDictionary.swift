import PrismCore
import PrismDictionaries

/// A dictionary at its place in a model: what its latents are functions of, and what they write.
///
/// An autoencoder reads and writes one hook point; a transcoder reads what an MLP reads and writes what that MLP adds to the
/// residual stream.
public struct PlacedDictionary: Sendable {
    /// What the user calls it: its run's folder, or `folder:dictionary`.
    public let name: String
    public let dictionary: SparseDictionary
    public let reads, writes: HookPoint

    public init(name: String, _ dictionary: SparseDictionary, reads: HookPoint, writes: HookPoint) {
        self.name = name
        self.dictionary = dictionary
        self.reads = reads
        self.writes = writes
    }

    /// Whether what it writes stands for what it reads.
    public var isAutoencoder: Bool { reads == writes }
}
