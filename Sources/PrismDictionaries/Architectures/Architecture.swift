import PrismTensor

/// The kinds of dictionary that can be trained. Each is one file in this folder, an `ArchitectureRule`.
public enum Architecture: String, Codable, CaseIterable, Sendable {
    case topK = "topk"
    case batchTopK = "batchtopk"
    case matryoshka = "matryoshka_batchtopk"
    case standard
    case pAnneal = "p_anneal"
    case gated
    case jumpReLU = "jumprelu"
    case matchingPursuit = "matching_pursuit"

    /// As people write it.
    public var label: String {
        switch self {
        case .topK: "TopK"
        case .batchTopK: "BatchTopK"
        case .matryoshka: "Matryoshka BatchTopK"
        case .standard: "L1"
        case .pAnneal: "p-anneal"
        case .gated: "Gated"
        case .jumpReLU: "JumpReLU"
        case .matchingPursuit: "Matching pursuit"
        }
    }
}

/// What sets one architecture apart: which latents a step looks at, what makes them active, what their activity costs,
/// and so what their pre-activations feel. Everything else (products, decoding, sums over rows, Adam, dead latents) is
/// `DictionaryTrainer`'s.
///
/// Pulls are gradients in the trainer's unit: divided by the factor u in ∂loss/∂ŷ = u (ŷ − y).
protocol ArchitectureRule: AnyObject {
    /// Which latents of a vector a step looks at. - step: counted from 1.
    func selection(step: Int) -> Selection
    /// Ends of the nested groups of latents whose reconstructions are losses of their own (Matryoshka); else all latents.
    var groupEnds: [Int] { get }
    /// Numbers that belong to latents and are trained beside the dictionary, each [latents].
    var parameters: [(name: String, parameter: Parameter)] { get }
    /// What else is carried from step to step; saved with a checkpoint.
    var memory: Tensor { get }
    /// Whether z differs from π where a latent is selected.
    var reshapes: Bool { get }
    /// Whether the encoder is the decoder.
    var tiesEncoder: Bool { get }
    /// Whether there is a second reconstruction, by max(0, π) with the decoder held fixed (Gated).
    var reconstructsByGate: Bool { get }

    /// Sets what depends on the data. - sample: π of some of the first vectors, [vectors, latents].
    func begin(_ sample: () -> Tensor)
    /// What pre-activations must exceed for `Selection.above`. - thresholds: [latents, padded].
    func fill(thresholds: Tensor)
    /// z from π of `count` latents, any of them.
    func activate(
        _ preactivations: UnsafePointer<Float>, latents: UnsafePointer<Int32>, count: Int,
        into z: UnsafeMutablePointer<Float>)
    /// Told after the forward pass what the batch looked like. - Returns: losses that depend on the batch as a whole.
    func observe(_ batch: BatchStatistics, _ weights: StepWeights) -> Double
    /// Adds what activity costs to a latent's pulls and turns them from ∂loss/∂z into ∂loss/∂π; sets the gradients of the
    /// latent's own parameters.
    func backward(_ column: LatentColumn, _ weights: StepWeights) -> LatentCost
    /// Told after the backward pass what all latents cost together.
    func finish(_ total: BackwardTotal)
    /// What the finished dictionary's latents do.
    func activation() -> LatentActivation
}

/// Which latents of a vector a step looks at.
enum Selection: Equatable {
    /// The largest positive ones of each vector.
    case top(Int)
    /// The largest positive ones of the whole batch, this many for each vector on average.
    case batchTop(Int)
    /// All above their thresholds.
    case above
    /// One after the other what explains most of what is left.
    case pursuit(Int)
}

/// One latent over those vectors of a batch in which it is selected.
struct LatentColumn {
    let latent: Int
    let count: Int
    let preactivations: UnsafePointer<Float>
    let activations: UnsafePointer<Float>
    /// In: ∂loss/∂z through the reconstruction. Out: ∂loss/∂π.
    let pulls: UnsafeMutablePointer<Float>
    /// ∂loss/∂max(0, π) through the gate's own reconstruction.
    let gatePulls: UnsafePointer<Float>?
    /// ‖dᵢ‖; for a crosscoder the sum of its norms at each hook point.
    let norm: Float
}

/// What a step's losses weigh.
struct StepWeights {
    /// What a loss that is a mean over the batch is multiplied with to be a sum in the trainer's unit: 1 / (batch · u).
    var perVector: Float
    /// λ after warm-up.
    var sparsity: Float
}

/// What activity cost.
struct LatentCost {
    /// Σ over vectors, without λ.
    var penalty = 0.0
    /// The same under the next step's rule, where that changes (p-anneal).
    var nextPenalty = 0.0
    /// ∂loss/∂‖dᵢ‖ through the penalty, in the trainer's unit.
    var normPull: Float = 0
    /// ∂loss/∂b_enc; nil where it is the sum of the pulls.
    var biasPull: Float?
}

/// A batch after the forward pass.
struct BatchStatistics {
    /// Mean number of active latents.
    var l0 = 0.0
    /// The smallest positive activation; 0 where none is.
    var smallestActivation: Float = 0

    init() {}

    /// - blocks: of each block of vectors, how many activations are positive and the smallest of them, or infinity.
    init(_ blocks: [(active: Int, smallest: Float)], vectors: Int) {
        let smallest = blocks.reduce(Float.infinity) { min($0, $1.smallest) }
        l0 = Double(blocks.reduce(0) { $0 + $1.active }) / Double(vectors)
        smallestActivation = smallest == .infinity ? 0 : smallest
    }
}

extension ArchitectureRule {
    var groupEnds: [Int] { [] }
    var parameters: [(name: String, parameter: Parameter)] { [] }
    var memory: Tensor { Tensor(0) }
    var reshapes: Bool { false }
    var tiesEncoder: Bool { false }
    var reconstructsByGate: Bool { false }
    func begin(_ sample: () -> Tensor) {}
    func fill(thresholds: Tensor) { thresholds.fill(0) }
    func activate(
        _ preactivations: UnsafePointer<Float>, latents: UnsafePointer<Int32>, count: Int,
        into z: UnsafeMutablePointer<Float>
    ) {
        for i in 0..<count { z[i] = max(0, preactivations[i]) }
    }
    func observe(_ batch: BatchStatistics, _ weights: StepWeights) -> Double { 0 }
    func backward(_ column: LatentColumn, _ weights: StepWeights) -> LatentCost { LatentCost() }
    func finish(_ total: BackwardTotal) {}
}

extension TrainingConfiguration {
    /// The rule of the architecture, with its parameters at their start. It may look at the encoder's bias.
    func rule(encoderBias: Tensor) -> any ArchitectureRule {
        switch architecture {
        case .topK: TopK(self)
        case .batchTopK: BatchTopK(self)
        case .matryoshka: BatchTopK(self, groups: prefixes)
        case .standard: Standard(self)
        case .pAnneal: PAnneal(self)
        case .gated: Gated(self, encoderBias: encoderBias)
        case .jumpReLU: JumpReLU(self)
        case .matchingPursuit: MatchingPursuitRule(self)
        }
    }
}
