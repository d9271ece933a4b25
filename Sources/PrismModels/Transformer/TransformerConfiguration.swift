import PrismCore

/// The shape of a decoder-only transformer, as its file states it.
public struct TransformerConfiguration: Codable, Hashable, Sendable {
    /// The family's name in the registry, for example "llama".
    public var family: String
    /// Numbers in the residual stream of one token.
    public var width: Int
    /// Blocks, each attention and then MLP.
    public var layerCount: Int
    /// Query heads in a block.
    public var headCount: Int
    /// Key/value heads in a block; query head h reads head h / (headCount / keyValueHeadCount).
    public var keyValueHeadCount: Int
    /// Numbers in one head; even, because RoPE turns pairs.
    public var headWidth: Int
    /// Neurons in a block's MLP.
    public var mlpWidth: Int
    /// Tokens that have an embedding and a logit.
    public var vocabularySize: Int
    /// The most tokens the model was trained to read at once.
    public var contextLength: Int
    /// ε of the RMS norms.
    public var normEpsilon: Float
    /// Base θ of the rotary embedding: pair i turns by θ^(−2i / headWidth) a position.
    public var ropeTheta: Float
    /// Whether the unembedding is the embedding matrix.
    public var tiedEmbeddings: Bool

    public init(
        family: String, width: Int, layerCount: Int, headCount: Int, keyValueHeadCount: Int, headWidth: Int,
        mlpWidth: Int, vocabularySize: Int, contextLength: Int, normEpsilon: Float = 1e-5, ropeTheta: Float = 10_000,
        tiedEmbeddings: Bool = false
    ) {
        self.family = family
        self.width = width
        self.layerCount = layerCount
        self.headCount = headCount
        self.keyValueHeadCount = keyValueHeadCount
        self.headWidth = headWidth
        self.mlpWidth = mlpWidth
        self.vocabularySize = vocabularySize
        self.contextLength = contextLength
        self.normEpsilon = normEpsilon
        self.ropeTheta = ropeTheta
        self.tiedEmbeddings = tiedEmbeddings
    }

    /// Numbers in all queries of a token.
    public var queryWidth: Int { headCount * headWidth }
    /// Numbers in all keys of a token, and in all values.
    public var keyValueWidth: Int { keyValueHeadCount * headWidth }

    /// Numbers a token has at a hook point.
    public func width(at hook: HookPoint) -> Int {
        if case .neurons = hook { mlpWidth } else { width }
    }

    /// Checks what no tensor's shape can tell.
    /// - file: named in the error.
    /// - Throws: `PrismError.badData`.
    public func validate(file: String) throws {
        let sizes = [
            ("width", width), ("layers", layerCount), ("heads", headCount), ("key/value heads", keyValueHeadCount),
            ("head width", headWidth), ("MLP width", mlpWidth), ("vocabulary size", vocabularySize),
            ("context length", contextLength),
        ]
        for (name, size) in sizes where !(1...(1 << 28)).contains(size) {
            throw PrismError.badData("\(file): the \(name) must be between 1 and 2²⁸, found \(size)")
        }
        guard headCount % keyValueHeadCount == 0 else {
            throw PrismError.badData(
                "\(file): \(headCount) heads cannot share \(keyValueHeadCount) key/value heads evenly")
        }
        guard headWidth % 2 == 0 else {
            throw PrismError.badData("\(file): rotary embedding needs an even head width, found \(headWidth)")
        }
        guard normEpsilon >= 0, normEpsilon.isFinite, ropeTheta > 0, ropeTheta.isFinite else {
            throw PrismError.badData("\(file): norm ε \(normEpsilon) or RoPE θ \(ropeTheta) is out of range")
        }
    }
}
