import PrismActivations
import PrismCore
import PrismTensor

/// Dictionaries that no gradient trained, to compare the trained ones with.
///
/// Each is a `SparseDictionary` like any other. A direction that is used with either sign is two latents, so that latents
/// stay non-negative: 2i is direction i, 2i + 1 its opposite (`SignedDirections`).
public enum Baseline: String, Codable, CaseIterable, Sendable {
    /// The directions of greatest variance (`PrincipalComponents`).
    case pca
    /// The directions that are most independent of each other (`IndependentComponents`).
    case ica
    /// The coordinates themselves, those of greatest variance first.
    case neurons
    /// The coordinates as they are where they are positive, one latent each: the neurons of a ReLU MLP.
    case rectifiedNeurons = "rectified-neurons"
    /// Directions drawn at random (`RandomDirections`): what a dictionary is worth that knows nothing of the data.
    case random
    /// Atoms learnt with orthogonal matching pursuit, one after the other (`KSVD`).
    case ksvd
    /// Atoms learnt with orthogonal matching pursuit, all at once (`OptimalDirections`).
    case mod

    /// As people write it.
    public var label: String {
        switch self {
        case .pca, .ica, .mod: rawValue.uppercased()
        case .neurons: "Neurons"
        case .rectifiedNeurons: "Neurons as they are"
        case .random: "Random directions"
        case .ksvd: "K-SVD"
        }
    }

    /// Vectors that are read at most, by the methods that need them together in memory. PCA and the neurons' variances
    /// take all vectors of the source.
    package static let sampleLimit = 32_768

    /// - latents: twice the number of directions; of rectified neurons their number.
    /// - k: latents active at a time, the k largest; nil keeps all that are positive, with which a whole orthogonal basis
    ///   loses nothing.
    /// - sinks: which vectors are left out.
    /// - progress: told how many vectors were just read.
    /// - Throws: `PrismError.usage` for numbers that do not fit the vectors.
    public func fit(
        _ source: any ActivationSource, latents: Int, k: Int?, sinks: SinkFilter? = nil, seed: UInt64,
        workers: Workers, progress: (Int) throws -> Void = { _ in }
    ) throws -> SparseDictionary {
        try validate(latents: latents, k: k, width: source.width)
        func moments() throws -> ActivationMoments {
            try ActivationMoments(of: source, sinks: sinks, workers: workers, progress: progress)
        }
        func sample() throws -> Tensor {
            let rows = Tensor(min(Self.sampleLimit, source.vectorCount), source.width)
            try source.read(0..<rows.rowCount, into: rows, workers: workers, progress: progress)
            return rows.keepingRows(without: sinks)
        }
        let count = latents / 2
        switch self {
        case .pca: return PrincipalComponents(try moments()).directions(count).dictionary(k: k)
        case .neurons: return SignedDirections(neurons: count, of: try moments()).dictionary(k: k)
        case .rectifiedNeurons: return .axes(latents)
        case .ica:
            return try IndependentComponents(try sample(), count: count, seed: seed, workers: workers).directions
                .dictionary(k: k)
        case .random:
            return try SignedDirections.random(count, k: k, seed: seed, scaledTo: try sample(), workers: workers)
                .dictionary(k: k)
        case .ksvd, .mod:
            let learning = AtomLearning(update: self == .ksvd ? KSVD() : OptimalDirections(), k: k ?? 1)
            return try learning.directions(of: sample(), count: count, seed: seed, workers: workers).dictionary(k: k)
        }
    }

    private func validate(latents: Int, k: Int?, width: Int) throws {
        guard self != .rectifiedNeurons || latents == width else {
            throw PrismError.usage(
                "rectified neurons are as many latents as there are neurons: \(width), not \(latents)")
        }
        guard self == .rectifiedNeurons || latents > 0 && latents.isMultiple(of: 2) else {
            throw PrismError.usage(
                "a \(rawValue) dictionary has two latents for each direction, one for either sign; give an even number of latents, not \(latents)"
            )
        }
        if [.pca, .ica, .neurons].contains(self), latents > 2 * width {
            throw PrismError.usage(
                "vectors of \(width) numbers have no more than \(width) \(rawValue) directions, which are \(2 * width) latents; give as many or fewer, not \(latents)"
            )
        }
        guard k != nil || ![.ksvd, .mod].contains(self) else {
            throw PrismError.usage("\(rawValue) learns atoms for codes of k latents; give k")
        }
        guard k ?? 1 >= 1, k ?? 1 <= latents else {
            throw PrismError.usage("k must lie between 1 and the \(latents) latents, not be \(k!)")
        }
    }
}

extension SparseDictionary {
    /// z = max(0, x), x̂ = z: the neurons of a ReLU MLP.
    fileprivate static func axes(_ count: Int) -> SparseDictionary {
        let axes = Tensor(count, count)
        for i in 0..<count { axes[i][i] = 1 }
        return SparseDictionary(
            encoder: axes, encoderBias: Tensor(count), decoder: axes, decoderBias: Tensor(count), activation: .relu)
    }
}
