import Foundation
import PrismCore
import PrismTensor

/// The shape of a decoder-only transformer and what it computes, as its file states it.
public struct TransformerConfiguration: Codable, Hashable, Sendable {
    /// The family's name in the registry, for example "llama".
    public var family: String

    // MARK: Sizes

    /// Numbers in the residual stream of one token.
    public var width: Int
    /// Blocks, each attention and then MLP.
    public var layerCount: Int
    /// Query heads in a block.
    public var headCount: Int
    /// Key/value heads in a block; query head h reads key/value head h / (headCount / keyValueHeadCount).
    public var keyValueHeadCount: Int
    /// Numbers in one head.
    public var headWidth: Int
    /// Neurons in a block's MLP.
    public var mlpWidth: Int
    /// Tokens that have an embedding and a logit.
    public var vocabularySize: Int
    /// The most tokens the model was trained to read at once.
    public var contextLength: Int

    // MARK: Residual stream

    /// How a block's parts read the residual stream and add to it.
    public var arrangement = Arrangement.sequential
    /// Where norms stand in a block.
    public var norms = Norms.before
    /// Whether norms are layer norms, which subtract the mean and have a bias, not RMS norms.
    public var normsAreCentred = false
    /// ε of the norms.
    public var normEpsilon: Float
    /// Multiplies the token embeddings.
    public var embeddingScale: Float = 1
    /// Whether the unembedding is the embedding matrix.
    public var tiedEmbeddings: Bool
    /// Whether logits have a bias.
    public var unembeddingBias = false
    /// c of c · tanh(logit / c); nil leaves the logits as they are.
    public var logitSoftCap: Float?

    // MARK: Positions

    /// Numbers of each head that the rotary embedding turns, even; 0 for learned position embeddings.
    public var rotaryWidth: Int
    /// Base θ of the rotary embedding: pair i turns by θ^(−2i / rotaryWidth) a position.
    public var ropeTheta: Float
    /// How the rotary frequencies were stretched to longer contexts.
    public var ropeScaling: RopeScaling?
    /// Positions that windowed layers see, the query's own the last.
    public var window: Int?
    /// Layers that see only the window, ascending.
    public var windowedLayers: [Int] = []
    /// θ of windowed layers, whose frequencies are not stretched; nil for the same as the others'.
    public var windowedRopeTheta: Float?

    // MARK: Attention

    /// Whether queries, keys and values have biases.
    public var queryKeyValueBias = false
    public var attentionOutBias = false
    /// What a norm of queries and keys spans; nil for none.
    public var queryKeyNorm: QueryKeyNorm?
    /// Multiplies the products of queries and keys; nil for 1 / √headWidth.
    public var attentionScale: Float?
    /// c of c · tanh(s / c) of these; nil for none.
    public var attentionSoftCap: Float?

    // MARK: MLP

    public var activation = Activation.silu
    /// Whether neurons are f(gate) ⊙ up, not f(up).
    public var isGated = true
    public var mlpBias = false

    public enum Arrangement: String, Codable, Sendable {
        /// x += attention(x), then x += MLP(x).
        case sequential
        /// x += attention(x) + MLP(x), each with a norm of its own (GPT-NeoX).
        case parallel
        /// The same with one norm for both (GPT-J).
        case parallelSharingNorm = "parallel_sharing_norm"
    }

    public enum Norms: String, Codable, Sendable {
        /// Of what attention and MLP read.
        case before
        /// Of what they add to the residual stream (OLMo 2).
        case after
        case both
    }

    public enum QueryKeyNorm: String, Codable, Sendable {
        /// Each head by itself.
        case head
        /// All heads together.
        case all
    }

    /// What divides the rotary frequencies.
    public enum RopeScaling: Codable, Hashable, Sendable {
        /// All by the same factor (Chen et al. 2023).
        case linear(factor: Float)
        /// By a factor where the wavelength exceeds original / low positions, by nothing where it is below original / high,
        /// smoothly between (Llama 3.1).
        case llama3(factor: Float, low: Float, high: Float, original: Float)
        /// Each by its own, [rotaryWidth / 2].
        case each([Float])
    }

    public init(
        family: String, width: Int, layerCount: Int, headCount: Int, keyValueHeadCount: Int, headWidth: Int,
        mlpWidth: Int, vocabularySize: Int, contextLength: Int, normEpsilon: Float = 1e-5, rotaryWidth: Int? = nil,
        ropeTheta: Float = 10_000, tiedEmbeddings: Bool = false
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
        self.rotaryWidth = rotaryWidth ?? headWidth
        self.ropeTheta = ropeTheta
        self.tiedEmbeddings = tiedEmbeddings
    }

    /// Numbers in all queries of a token.
    public var queryWidth: Int { headCount * headWidth }
    /// Numbers in all keys of a token, and in all values.
    public var keyValueWidth: Int { keyValueHeadCount * headWidth }
    /// Whether a block has a residual stream between attention and MLP.
    public var hasResidualMid: Bool { arrangement == .sequential }

    /// Numbers a token has at a hook point.
    public func width(at hook: HookPoint) -> Int {
        switch hook {
        case .neurons: mlpWidth
        case .queries, .heads: headCount * headWidth
        case .keys, .values: keyValueWidth
        default: width
        }
    }

    func attentionForm(layer: Int) -> AttentionForm {
        AttentionForm(
            headWidth: headWidth, scale: attentionScale, softCap: attentionSoftCap,
            window: windowedLayers.contains(layer) ? window : nil)
    }

    /// Angles by which each pair of a layer's queries and keys turns a position, [rotaryWidth / 2].
    func ropeFrequencies(windowed: Bool) -> Tensor {
        // In single precision and in this order, as the models were trained with.
        let theta = windowed ? windowedRopeTheta ?? ropeTheta : ropeTheta
        let plain = (0..<rotaryWidth / 2).map { 1 / powf(theta, Float(2 * $0) / Float(rotaryWidth)) }
        let isStretched = !windowed || windowedRopeTheta == nil
        let scaled = plain.enumerated().map { i, frequency -> Float in
            switch isStretched ? ropeScaling : nil {
            case nil: return frequency
            case .linear(let factor): return frequency / factor
            case .each(let factors): return frequency / factors[i]
            case .llama3(let factor, let low, let high, let original):
                let wavelength = 2 * Float.pi / frequency
                if wavelength < original / high { return frequency }
                if wavelength > original / low { return frequency / factor }
                let smooth = (original / wavelength - low) / (high - low)
                return (1 - smooth) * frequency / factor + smooth * frequency
            }
        }
        return Tensor(shape: [rotaryWidth / 2], scaled)
    }

    /// Checks what no tensor's shape can tell.
    /// - file: named in the error.
    /// - Throws: `PrismError.badData`.
    public func validate(file: String) throws {
        let sizes = [
            ("width", width), ("layers", layerCount), ("heads", headCount), ("key/value heads", keyValueHeadCount),
            ("head width", headWidth), ("MLP width", mlpWidth), ("vocabulary size", vocabularySize),
            ("context length", contextLength), ("attention window", window ?? 1),
        ]
        for (name, size) in sizes where !(1...(1 << 28)).contains(size) {
            throw PrismError.badData("\(file): the \(name) must be between 1 and 2²⁸, found \(size)")
        }
        guard headCount % keyValueHeadCount == 0 else {
            throw PrismError.badData(
                "\(file): \(headCount) heads cannot share \(keyValueHeadCount) key/value heads evenly")
        }
        guard rotaryWidth % 2 == 0, (0...headWidth).contains(rotaryWidth) else {
            throw PrismError.badData(
                "\(file): rotary embedding turns pairs of numbers; it cannot turn \(rotaryWidth) of a head's \(headWidth)"
            )
        }
        let numbers = [
            ("norm ε", normEpsilon, normEpsilon >= 0), ("RoPE θ", ropeTheta, ropeTheta > 0),
            ("RoPE θ of windowed layers", windowedRopeTheta ?? 1, windowedRopeTheta ?? 1 > 0),
            ("embedding scale", embeddingScale, true), ("attention scale", attentionScale ?? 1, true),
            ("attention soft cap", attentionSoftCap ?? 1, attentionSoftCap ?? 1 > 0),
            ("logit soft cap", logitSoftCap ?? 1, logitSoftCap ?? 1 > 0),
        ]
        for (name, number, isSound) in numbers where !number.isFinite || !isSound {
            throw PrismError.badData("\(file): the \(name) \(number) is out of range")
        }
        let stretch: [Float]
        switch ropeScaling {
        case nil: stretch = []
        case .linear(let factor): stretch = [factor]
        case .llama3(let factor, let low, let high, let original): stretch = [factor, low, high - low, original]
        case .each(let factors):
            stretch = factors
            guard factors.count == rotaryWidth / 2 else {
                throw PrismError.badData(
                    "\(file): \(factors.count) RoPE factors for \(rotaryWidth / 2) pairs")
            }
        }
        guard stretch.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw PrismError.badData("\(file): the RoPE scaling \(stretch) is out of range")
        }
    }
}
