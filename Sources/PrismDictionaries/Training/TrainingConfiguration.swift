import Foundation
import PrismCore
import PrismTensor

/// How a dictionary is trained. What is nil takes the architecture's own value, from the recipe that its doc comment names;
/// other defaults follow Gao et al. 2024 where no source is named.
public struct TrainingConfiguration: Codable, Hashable, Sendable {
    public var architecture = Architecture.topK
    /// Latents in the dictionary, F.
    public var latents = 4608
    /// Vectors per step.
    public var batch = 4096
    /// Optimiser steps.
    public var steps = 400
    public var seed: UInt64 = 0

    // MARK: Sparsity by selection: TopK, BatchTopK, Matryoshka

    /// Latents kept per vector, k; on average over the batch for BatchTopK.
    public var k = 32
    /// k-anneal: the k of the first step, from which it falls linearly; nil starts at `k`.
    public var kStart: Int?
    /// Steps over which k falls.
    public var kAnneal: Int?
    /// Matryoshka: the nested prefixes that must reconstruct alone, ascending, the last all latents; nil takes
    /// 1/16, 1/8, 1/4, 1/2 and all.
    public var groups: [Int]?

    // MARK: Sparsity by penalty: the others

    /// λ: weight of the penalty against the squared error, which is summed over dimensions; see the architecture.
    public var sparsity: Float?
    /// Steps over which λ rises linearly from zero; nil takes a twentieth of all, for a tanh penalty all.
    public var sparsityWarmup: Int?
    /// p-anneal: the last exponent.
    public var pEnd: Float = 0.2
    /// JumpReLU: what is penalised.
    public var penalty = Penalty.step
    /// JumpReLU with a step penalty: the L0 to reach; nil penalises L0 itself.
    public var targetL0: Float?
    /// JumpReLU: θ at the start; nil takes what makes `targetL0` latents of a vector active in the first batch, or `k`.
    /// (Thresholds move by factors, slowly: published runs begin at 0.001 and have 10⁵ steps to arrive.)
    public var threshold: Float?
    /// JumpReLU: ε, the width of the window about θ in which pre-activations pull at it; nil takes a tenth of θ at the start.
    public var bandwidth: Float?
    /// JumpReLU with a tanh penalty: c.
    public var tanhScale: Float = 4

    /// What JumpReLU penalises.
    public enum Penalty: String, Codable, CaseIterable, Sendable { case step, tanh }

    // MARK: Dead latents

    /// What wakes latents that have fallen silent.
    public var deadLatents: DeadLatents?
    /// A latent is dead when it was silent for this many vectors; nil takes 10 million, or a quarter of a shorter run.
    public var deadAfter: Int?
    /// AuxK: dead latents that reconstruct the residual of each vector; nil takes half the width.
    public var auxiliaryK: Int?
    /// Weight of AuxK's loss, 1/32, or of the pre-activation loss, 3e-6.
    public var auxiliaryWeight: Float?
    /// Resampling: the steps after which it happens; nil takes an eighth, a quarter, a half and three quarters of all.
    public var resampleSteps: [Int]?

    // MARK: Weights and optimiser

    /// Whether decoder rows are kept at norm 1; nil takes the architecture's way.
    public var unitNormDecoder: Bool?
    /// Transcoders: add W_skip x to the output.
    public var skip = false
    /// Peak learning rate; nil takes 2e-4 / √(F / 2¹⁴).
    public var learningRate: Float?
    /// Steps of linear warm-up from zero; nil takes a twentieth of all, at most 1000.
    public var warmup: Int?
    /// The last share of steps over which the rate falls linearly to zero (sparsify, Anthropic April 2024).
    public var decay = 0.2
    /// Adam's β₁ and β₂; nil takes 0.9 (0 for gated and JumpReLU) and 0.999.
    public var beta1, beta2: Float?
    /// Largest global norm of the gradient.
    public var gradientClip: Float = 1
    /// Scale inputs to a mean norm of √width (Anthropic April 2024). The factor is folded into the saved dictionary.
    public var normalise = true
    /// fp32: selection exactly as fp32 products give it. bf16: faster, see `Backend.prepare(encoder:)`. Values are fp32.
    public var precision = Precision.bf16
    /// Steps between checkpoints; 0 writes only the last.
    public var checkpointEvery = 100

    public init() {}

    // MARK: What nil stands for

    /// Whether sparsity is a number of latents, k, and not a penalty.
    public var selectsByCount: Bool { [.topK, .batchTopK, .matryoshka, .matchingPursuit].contains(architecture) }
    public var prefixes: [Int] {
        groups ?? [16, 8, 4, 2, 1].map { max(1, latents / $0) }.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
    }
    public var sparsityWeight: Float { sparsity ?? (architecture == .jumpReLU ? (targetL0 == nil ? 1 : 20) : 5) }
    public var sparsityWarmupSteps: Int {
        sparsityWarmup ?? (architecture == .jumpReLU && penalty == .tanh ? steps : steps / 20)
    }
    public var wakes: DeadLatents {
        deadLatents
            ?? (selectsByCount && architecture != .matchingPursuit
                ? .auxK : architecture == .jumpReLU ? .preactivation : .leave)
    }
    public var wakeWeight: Float { auxiliaryWeight ?? (wakes == .preactivation ? 3e-6 : 1.0 / 32) }
    public var resamplesAfter: [Int] { resampleSteps ?? [1, 2, 4, 6].map { steps * $0 / 8 } }
    public var keepsUnitNorm: Bool {
        unitNormDecoder ?? (architecture != .standard && !(architecture == .jumpReLU && penalty == .tanh))
    }
    public var adamBetas: (Float, Float) {
        (beta1 ?? ([.gated, .jumpReLU].contains(architecture) ? 0 : 0.9), beta2 ?? 0.999)
    }
    public var peakRate: Float { learningRate ?? 2e-4 / (Float(latents) / 16384).squareRoot() }
    public var warmupSteps: Int { warmup ?? min(1000, steps / 20) }
    public var decaySteps: Int { Int(decay * Double(steps)) }
    public var deadThreshold: Int { deadAfter ?? min(10_000_000, max(1, steps * batch / 4)) }

    /// Learning rate of a step counted from 1: warm-up, plateau, decay; the three never overlap.
    public func rate(step: Int) -> Float {
        let rising = warmupSteps > 0 ? min(1, Float(step) / Float(warmupSteps)) : 1
        let falling = decaySteps > 0 ? min(1, Float(steps - step + 1) / Float(decaySteps)) : 1
        return peakRate * min(rising, falling)
    }

    /// k of a step counted from 1.
    public func k(step: Int) -> Int {
        guard let kStart, let kAnneal, step <= kAnneal else { return k }
        return k + (kStart - k) * (kAnneal - step + 1) / kAnneal
    }

    /// λ of a step counted from 1.
    public func sparsity(step: Int) -> Float {
        sparsityWeight * (sparsityWarmupSteps > 0 ? min(1, Float(step) / Float(sparsityWarmupSteps)) : 1)
    }

    /// - Throws: `PrismError.usage` that names the field.
    public func validate(_ wiring: Wiring) throws {
        func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
            if !condition { throw PrismError.usage(message()) }
        }
        try require(latents > 0, "latents must be positive, not \(latents)")
        try require(k > 0 && k <= latents, "k must lie between 1 and the \(latents) latents, not be \(k)")
        try require(batch > 1, "batch must be at least 2, not \(batch)")
        try require(steps > 0, "steps must be positive, not \(steps)")
        try require(
            !steps.multipliedReportingOverflow(by: batch).overflow && batch < Int(Int32.max) / k,
            "\(steps) steps of \(batch) vectors with \(k) latents each are more than can be counted; give fewer")
        try require(peakRate > 0 && peakRate.isFinite, "learning rate must be positive, not \(peakRate)")
        try require(decay >= 0 && decay <= 1, "decay is a share of the steps between 0 and 1, not \(decay)")
        try require(
            warmupSteps >= 0 && warmupSteps + decaySteps <= steps,
            "warm-up (\(warmupSteps) steps) and decay (\(decaySteps)) do not fit into \(steps) steps; shorten one")
        try require((deadAfter ?? 1) > 0, "dead after must be positive, not \(deadAfter ?? 0)")
        try require(gradientClip > 0, "gradient clip must be positive, not \(gradientClip)")
        try require(wakeWeight >= 0, "auxiliary weight must not be negative: \(wakeWeight)")
        try require(
            (kStart == nil) == (kAnneal == nil), "k-anneal needs both the k to start at and the steps that it takes")
        try require(
            (kStart ?? k) >= k && (kStart ?? k) <= latents && (kAnneal ?? 1) > 0,
            "k-anneal falls from at most \(latents) to k = \(k) in at least one step, not from \(kStart ?? k) in \(kAnneal ?? 1)"
        )
        try require(
            prefixes.last == latents && prefixes.first! > 0 && zip(prefixes, prefixes.dropFirst()).allSatisfy(<),
            "Matryoshka's groups must rise to all \(latents) latents, not be \(prefixes.map(String.init).joined(separator: ", "))"
        )
        try require(sparsityWeight >= 0 && sparsityWeight.isFinite, "sparsity must not be negative: \(sparsityWeight)")
        try require(sparsityWarmupSteps >= 0, "sparsity warm-up must not be negative: \(sparsityWarmupSteps)")
        try require((targetL0 ?? 1) > 0, "target L0 must be positive, not \(targetL0 ?? 0)")
        for (name, value) in [("threshold", threshold), ("bandwidth", bandwidth)] {
            try require((value ?? 1) > 0, "\(name) must be positive, not \(value ?? 0)")
        }
        try require((0...1).contains(pEnd), "the last exponent must lie between 0 and 1, not be \(pEnd)")
        for beta in [adamBetas.0, adamBetas.1] {
            try require(beta >= 0 && beta < 1, "Adam's betas must lie between 0 and 1, not be \(beta)")
        }
        try require((auxiliaryK ?? 1) > 0, "auxiliary k must be positive, not \(auxiliaryK ?? 0)")
        try require(checkpointEvery >= 0, "checkpoint interval must not be negative: \(checkpointEvery)")
        let width = max(wiring.inputWidth, wiring.outputWidth)
        try require(wiring.inputWidth > 0 && wiring.outputWidth > 0, "vectors must have at least one dimension")
        try require(
            architecture != .matchingPursuit || wiring.isAutoencoder && keepsUnitNorm && wakes != .auxK,
            "matching pursuit encodes with its decoder: it writes what it reads, with rows of norm 1, and has no AuxK")
        try require(
            architecture != .gated || wiring.isAutoencoder,
            "a gated transcoder could be saved in nobody's format; take another architecture")
        try require(
            !skip || !wiring.isAutoencoder,
            "a skip connection needs another activation to write than the one that is read")
        // Encoder and decoder, each with its gradient, two moments and what the selection keeps beside it.
        let bytes = 4 * 9 * Double(latents) * Double(width) + 8 * Double(batch) * (Double(width) + 3 * Double(k))
        let memory = Double(ProcessInfo.processInfo.physicalMemory)
        try require(
            bytes < memory,
            "\(latents) latents of width \(width) need some \(Int(bytes / 1e9)) GB, the machine has \(Int(memory / 1e9)); give fewer latents or a smaller batch"
        )
    }
}
