/// What a latent does to a model's predictions, measured by changing it on held-out text.
///
/// Each change is made where the latent is active, and its consequences are looked at from there on, in a window of tokens.
public struct LatentEffect: Codable, Hashable, Sendable {
    /// The consequences of one change.
    public struct Consequence: Codable, Hashable, Sendable {
        /// Mean KL(clean ‖ changed) in nats of what is predicted at tokens where the latent is active, and at the others of
        /// the windows.
        public var divergenceActive, divergenceElsewhere: Double
        /// Mean change of the next token's −log p in nats, at the same.
        public var lossActive, lossElsewhere: Double
        /// Share of the whole divergence that falls on tokens where the latent is active: 1 is a change that stays local.
        public var locality: Double

        public init(
            divergenceActive: Double, divergenceElsewhere: Double, lossActive: Double, lossElsewhere: Double,
            locality: Double
        ) {
            (self.divergenceActive, self.divergenceElsewhere) = (divergenceActive, divergenceElsewhere)
            (self.lossActive, self.lossElsewhere, self.locality) = (lossActive, lossElsewhere, locality)
        }
    }

    /// A token whose probability moved.
    public struct Shift: Codable, Hashable, Sendable {
        public var token: String
        /// Mean change of its log p where the latent is active and is taken away.
        public var change: Double

        public init(token: String, change: Double) { (self.token, self.change) = (token, change) }
    }

    public var latent: Int
    /// Contexts that it was measured in, and tokens of their windows on which it was active, and was not.
    public var contexts, activeTokens, otherTokens: Int
    /// Taken away; doubled; a random direction of the decoder row's length taken away by the same amounts.
    public var ablated, doubled, random: Consequence
    /// The MLP neuron of the layer whose activation goes with the latent's most, held at its mean from the latent's first
    /// activity on; nil where there is none.
    public var neuron: Neuron?
    /// Tokens that gain and lose most by its absence.
    public var risen, fallen: [Shift]
    /// Pearson's correlation over the vocabulary of what its absence does to log p and of what its decoder row says of the
    /// logits directly, past all later layers; nil where that is not defined.
    public var directAgreement: Double?

    public struct Neuron: Codable, Hashable, Sendable {
        public var number: Int
        /// With the latent's activation, over all tokens looked at.
        public var correlation: Double
        public var consequence: Consequence

        public init(number: Int, correlation: Double, consequence: Consequence) {
            (self.number, self.correlation, self.consequence) = (number, correlation, consequence)
        }
    }

    public init(
        latent: Int, contexts: Int, activeTokens: Int, otherTokens: Int, ablated: Consequence, doubled: Consequence,
        random: Consequence, neuron: Neuron?, risen: [Shift], fallen: [Shift], directAgreement: Double?
    ) {
        (self.latent, self.contexts, self.activeTokens) = (latent, contexts, activeTokens)
        (self.otherTokens, self.ablated, self.doubled, self.random) = (otherTokens, ablated, doubled, random)
        (self.neuron, self.risen, self.fallen, self.directAgreement) = (neuron, risen, fallen, directAgreement)
    }
}
