import Foundation
import PrismCore
import PrismTensor

/// How a TopK dictionary is trained. Defaults follow Gao et al. 2024 where no other source is named.
public struct TrainingConfiguration: Codable, Hashable, Sendable {
    /// Latents in the dictionary, F.
    public var latents = 4608
    /// Latents kept per vector, k.
    public var k = 32
    /// Vectors per step.
    public var batch = 4096
    /// Optimiser steps.
    public var steps = 400
    /// Peak learning rate; nil takes 2e-4 / √(F / 2¹⁴).
    public var learningRate: Float?
    /// Steps of linear warm-up from zero; nil takes a twentieth of all, at most 1000.
    public var warmup: Int?
    /// The last share of steps over which the rate falls linearly to zero (sparsify, Anthropic April 2024).
    public var decay = 0.2
    /// Largest global norm of the gradient.
    public var gradientClip: Float = 1
    /// A latent is dead when it was silent for this many vectors; nil takes 10 million, or a quarter of a shorter run.
    public var deadAfter: Int?
    /// Dead latents that reconstruct the residual of each vector; nil takes half the width.
    public var auxiliaryK: Int?
    /// Weight of the auxiliary loss.
    public var auxiliaryWeight: Float = 1.0 / 32
    /// Scale inputs to a mean norm of √width (Anthropic April 2024). The factor is folded into the saved dictionary.
    public var normalise = true
    /// fp32: selection exactly as fp32 products give it. bf16: faster, see `Backend.prepare(encoder:)`. Values are fp32.
    public var precision = Precision.bf16
    public var seed: UInt64 = 0
    /// Steps between checkpoints; 0 writes only the last.
    public var checkpointEvery = 100

    public init() {}

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

    /// - width: of the vectors to train on.
    /// - Throws: `PrismError.usage` that names the field.
    public func validate(width: Int) throws {
        func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
            if !condition { throw PrismError.usage(message()) }
        }
        try require(latents > 0, "latents must be positive, not \(latents)")
        try require(k > 0 && k <= latents, "k must lie between 1 and the \(latents) latents, not be \(k)")
        try require(batch > 1, "batch must be at least 2, not \(batch)")
        try require(steps > 0, "steps must be positive, not \(steps)")
        try require(peakRate > 0 && peakRate.isFinite, "learning rate must be positive, not \(peakRate)")
        try require(decay >= 0 && decay <= 1, "decay is a share of the steps between 0 and 1, not \(decay)")
        try require(
            warmupSteps >= 0 && warmupSteps + decaySteps <= steps,
            "warm-up (\(warmupSteps) steps) and decay (\(decaySteps)) do not fit into \(steps) steps; shorten one")
        try require(gradientClip > 0, "gradient clip must be positive, not \(gradientClip)")
        try require(auxiliaryWeight >= 0, "auxiliary weight must not be negative: \(auxiliaryWeight)")
        try require((auxiliaryK ?? 1) > 0, "auxiliary k must be positive, not \(auxiliaryK ?? 0)")
        try require(checkpointEvery >= 0, "checkpoint interval must not be negative: \(checkpointEvery)")
        try require(width > 0, "vectors must have at least one dimension")
        // Encoder and decoder, each with its gradient, two moments and what the selection keeps beside it.
        let bytes = 4 * 9 * Double(latents) * Double(width) + 8 * Double(batch) * (Double(width) + 3 * Double(k))
        let memory = Double(ProcessInfo.processInfo.physicalMemory)
        try require(
            bytes < memory,
            "\(latents) latents of width \(width) need some \(Int(bytes / 1e9)) GB, the machine has \(Int(memory / 1e9)); give fewer latents or a smaller batch")
    }
}
