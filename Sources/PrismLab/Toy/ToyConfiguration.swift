import Foundation
import PrismCore

/// A toy model and its training: x → h = σ(W₁x + b₁) → y = σ′(W₂h + b₂), loss L = E Σᵢ Iᵢ (tᵢ − yᵢ)², where t is what the
/// target makes of x.
///
/// With W₂ = W₁ᵀ = Wᵀ, no hidden bias, linear h and t = x this is the ReLU output model of Elhage et al. 2022:
/// x′ = ReLU(WᵀWx + b). In comments n is the number of features, m of hidden dimensions.
public struct ToyConfiguration: Codable, Hashable, Sendable {
    public var features: FeatureDistribution
    /// m.
    public var hidden: Int
    /// Whether W₂ = W₁ᵀ.
    public var isTied = true
    public var hiddenActivation = Activation.linear
    public var outputActivation = Activation.relu
    public var hasHiddenBias = false
    public var hasOutputBias = true
    /// Width of a fixed random projection that features pass before W₁ (Jermyn et al. 2022); nil for none.
    public var projection: Int?
    public var target = Target.identity
    /// Iᵢ: one number for all outputs or one for each.
    public var importance: [Float] = [1]

    /// Samples in a step.
    public var batch = 1024
    public var steps = 10_000
    public var optimiser = Optimiser.adam
    public var learningRate: Float = 1e-3
    /// Steps in which the rate rises from 0.
    public var warmup = 0
    /// Whether the rate falls to 0 along a cosine, after the warm-up.
    public var decaysRate = false
    /// γ. With Adam and SGD its gradient γW is added; with AdamW, W ← W − ηγW. Where it is negative, AdamW pulls every
    /// feature's row towards length one instead: Wᵢ ← Wᵢ − ηγWᵢ(1/‖Wᵢ‖ − 1) (Liu et al. 2025).
    public var weightDecay: Float = 0
    /// Weight of E Σ |h|.
    public var activationL1: Float = 0
    /// Share of hidden units that each sample leaves out; the rest is scaled up by 1/(1 − dropout).
    public var dropout: Float = 0
    /// Standard deviation of normal noise on W₁x + b₁, drawn anew for every sample.
    public var hiddenNoise: Float = 0
    /// Length of the step along ∂L/∂x that each training input is moved, its target unchanged.
    public var adversarialRadius: Float = 0
    /// Standard deviation of initial weights; nil: √(2/(n + m)) (Glorot and Bengio 2010).
    public var initialScale: Float?
    public var initialHiddenBias: Float = 0
    /// Trains on this many samples, drawn once and all used in every step, instead of on new ones.
    public var dataset: Int?
    /// Whether samples are brought to length one (Henighan et al. 2023).
    public var normalisesSamples = false
    public var seed: UInt64 = 0

    public init(_ features: FeatureDistribution, hidden: Int) {
        self.features = features
        self.hidden = hidden
    }

    public enum Activation: String, Codable, Sendable {
        case linear, relu
    }

    public enum Optimiser: String, Codable, Sendable {
        case sgd, adam, adamW
    }

    /// What the outputs shall be.
    public enum Target: Codable, Hashable, Sendable {
        /// x.
        case identity
        /// |x|.
        case absolute
        /// ReLU(x) + Mx with Mᵢⱼ ~ N(0, noise²) off the diagonal and 0 on it, fixed; the noise is in the labels.
        case rectified(labelNoise: Float)
        /// For each pair i < j of Boolean features xᵢ ∧ xⱼ, in lexicographic order: n(n − 1)/2 outputs.
        case and
    }

    /// Outputs of the model.
    public var outputs: Int { target == .and ? features.count * (features.count - 1) / 2 : features.count }

    /// Iᵢ = ratioⁱ.
    public static func geometricImportance(_ count: Int, ratio: Float) -> [Float] {
        (0..<count).map { Float(pow(Double(ratio), Double($0))) }
    }

    /// - Throws: `PrismError.usage` that names the value that is out of range and the range.
    public func validate() throws {
        try features.validate()
        guard hidden > 0 else {
            throw PrismError.usage("a toy model needs at least one hidden dimension, not \(hidden)")
        }
        let inputs = projection ?? features.count
        // Every published use stays below; more only repeats rows.
        guard hidden <= 64 * inputs else {
            throw PrismError.usage("\(hidden) hidden dimensions for \(inputs) inputs make no sense; take fewer")
        }
        guard importance.count == 1 || importance.count == outputs else {
            throw PrismError.usage(
                "give one importance for all \(outputs) outputs or one for each, not \(importance.count)")
        }
        for value in importance where !(value >= 0 && value.isFinite) {
            throw PrismError.usage("importance must be a number of at least 0, not \(value)")
        }
        guard !isTied || outputs == inputs else {
            throw PrismError.usage("tied weights need as many outputs as inputs, not \(outputs) and \(inputs)")
        }
        guard target != .and || features.least == 1 && features.greatest == 1 else {
            throw PrismError.usage("the target AND needs Boolean features: values from 1 to 1")
        }
        for (name, value) in [("batch", batch), ("steps", steps), ("dataset", dataset ?? 1), ("projection", inputs)]
        where value <= 0 { throw PrismError.usage("\(name) must be positive, not \(value)") }
        guard (0..<1).contains(dropout) else {
            throw PrismError.usage("dropout must be at least 0 and below 1, not \(dropout)")
        }
        for (name, value) in [
            ("learning rate", learningRate), ("activation L1", activationL1), ("hidden noise", hiddenNoise),
            ("adversarial radius", adversarialRadius), ("initial scale", initialScale ?? 0),
        ] where !(value >= 0 && value.isFinite) {
            throw PrismError.usage("the \(name) must be a number of at least 0, not \(value)")
        }
        guard weightDecay.isFinite else {
            throw PrismError.usage("the weight decay must be a number, not \(weightDecay)")
        }
    }
}
