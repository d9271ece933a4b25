/// A latent in a list.
public struct LatentSummary: Hashable, Sendable, Identifiable {
    public let id: Int
    /// Tokens it was active on.
    public let firings: Int
    /// Share of tokens it was active on.
    public let density: Double
    public let max: Float
    /// Mean activation where it was active.
    public let mean: Double
    /// Firings per bin; bin b covers activations in [b, b + 1) · binWidth.
    public let histogram: [Int]
    public let binWidth: Double
    public let decoderNorm: Float?
    public let encoderBias: Float?
}

/// A firing of a latent, with its context.
public struct LatentExample: Hashable, Sendable {
    public let context: Int
    /// Position of the firing in the context.
    public let position: Int
    public let token: Int32
    public let value: Float
    /// All firings of the latent in the context, ascending by position.
    public let trace: [TokenActivation]
    /// Token ids of the context.
    public let tokens: [Int32]
    public let documentTitle: String
    public let source: String
}

/// A range of activation strength and examples drawn uniformly from it.
public struct LatentInterval: Hashable, Sendable {
    /// Activations from `lower` up to, but not including, `upper`.
    public let lower: Double
    public let upper: Double
    /// Share of the latent's firings that lie in it.
    public let share: Double
    public let examples: [LatentExample]
}

/// How a latent's firings spread over the sources of text.
public struct SourceShare: Hashable, Sendable {
    public let source: String
    public let firings: Int
    /// Share of the latent's firings.
    public let share: Double
    /// `share` over the source's share of all tokens: 1 means the latent does not care.
    public let lift: Double
}

/// All that an atlas knows of one latent.
public struct LatentPage: Hashable, Sendable {
    public let latent: LatentSummary
    public let top: [LatentExample]
    /// Weakest first; only those up to the maximum.
    public let intervals: [LatentInterval]
    public let effects: LogitEffects
    public let neighbours: [Neighbour]
    /// By number of firings, most first.
    public let sources: [SourceShare]
}

/// A source of text, with the tokens read from it.
public struct AtlasSource: Hashable, Sendable {
    public let name: String
    public let tokens: Int
}
