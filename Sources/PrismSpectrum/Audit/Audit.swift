import Foundation
import PrismConcepts
import PrismCore
import PrismDictionaries
import PrismLab
import PrismTensor

/// The metrics of the spectrum on codes whose truth is planted: what they say when each neuron carries one feature, when the
/// same features are rotated across the neurons, and when more features than neurons share them.
///
/// x = W f with sparse features f, the units are the neurons (the axes of x), the concepts are the features themselves. The
/// path goes from W = I over rotations (I − tA)⁻¹(I + tA) with a random antisymmetric A, t growing (Cayley), to W with twice
/// and four times as many random directions of length one. Every metric of polysemanticity must fall or rise along all of
/// it; the dimensionality of the features, which measures superposition, must stay at 1 until the last part. The end of the
/// path is also read by a dictionary that knows the directions: there each unit means one thing again.
public struct Audit: Codable, Sendable {
    /// One code of the path.
    public struct Stage: Codable, Sendable {
        public let name: String
        public let features, neurons: Int
        /// Mean Dᵢ of the features: 1 without superposition.
        public let dimensionality: Double
        /// Median over the units, by metric.
        public let medians: [String: Double]
    }

    /// The path, most monosemantic first.
    public let path: [Stage]
    /// The path's last code, read by a dictionary of the true directions.
    public let dictionary: Stage

    /// Whether a metric moves the right way at every step of the path.
    public func moves(_ metric: SpectrumMetric) -> Bool {
        zip(path, path.dropFirst()).allSatisfy { before, after in
            guard let a = before.medians[metric.rawValue], let b = after.medians[metric.rawValue] else { return false }
            return metric.growsWithMonosemanticity ? b < a : b > a
        }
    }

    /// The metrics that are audited: `explained` is left out, since it says how complete the concepts are, not how many there are.
    public static let metrics = SpectrumMetric.allCases.filter { $0 != .explained }

    static let neurons = 24
    static let vectors = 16_384
    static let density: Float = 0.05

    /// - seed: of the codes and the features.
    /// - Throws: `PrismError.interrupted` after Ctrl-C.
    public init(seed: UInt64 = 0, workers: Workers) throws {
        let rotations = [("identity", 0.0), ("turned a little", 0.03), ("turned half", 0.1), ("rotated", 0.3)].map {
            ($0.0, PlantedCode.rotation(Self.neurons, by: $0.1, seed: seed))
        }
        let superposed = [2, 4].map { factor in
            (
                "superposed, \(factor) features a neuron",
                Tensor.randomDirections(factor * Self.neurons, width: Self.neurons, seed: seed)
            )
        }
        path = try (rotations + superposed).map { name, directions in
            try Self.stage(name, PlantedCode(directions, seed: seed), workers: workers) { x in
                UnitSet("neurons", directions: nil, sample: x)
            }
        }
        let last = superposed[superposed.count - 1].1
        dictionary = try Self.stage("the same, read by its dictionary", PlantedCode(last, seed: seed), workers: workers)
        {
            _ in UnitSet("latents", PlantedCode(last, seed: seed).dictionary)
        }
    }

    private static func stage(
        _ name: String, _ code: PlantedCode, workers: Workers, units: (Tensor) -> UnitSet
    ) throws -> Stage {
        try Interrupt.check()
        let spectrum = try code.spectrum([units(code.x)], workers: workers)
        let medians = metrics.compactMap { metric in
            spectrum.parts[0].median(metric).map { (metric.rawValue, $0) }
        }
        let geometry = FeatureGeometry(code.directions)
        return Stage(
            name: name, features: code.directions.rowCount, neurons: code.directions.rowWidth,
            dimensionality: geometry.dimensionality.reduce(0, +) / Double(geometry.featureCount),
            medians: Dictionary(uniqueKeysWithValues: medians))
    }
}

/// Vectors made of known features.
struct PlantedCode {
    /// [features, neurons].
    let directions: Tensor
    /// f: [vectors, features]; x = f W: [vectors, neurons].
    let features, x: Tensor

    init(_ directions: Tensor, seed: UInt64) {
        self.directions = directions
        let distribution = FeatureDistribution(count: directions.rowCount, density: [Audit.density])
        features = distribution.samples(Audit.vectors, seed: seed, stream: "audit")
        x = Tensor(Audit.vectors, directions.rowWidth)
        CPUBackend().multiply(features, by: directions, transposed: false, into: x)
    }

    /// An orthogonal matrix on the way from the identity to a random rotation.
    static func rotation(_ width: Int, by t: Double, seed: UInt64) -> Tensor {
        var generator = SeededGenerator(seed: seed, stream: "audit rotation")
        var (plus, minus) = (DoubleMatrix(width, width), DoubleMatrix(width, width))
        for i in 0..<width {
            for j in 0..<i {
                let entry = t * Double(generator.normal())
                (plus[i, j], plus[j, i], minus[i, j], minus[j, i]) = (entry, -entry, -entry, entry)
            }
            (plus[i, i], minus[i, i]) = (1, 1)
        }
        return minus.solving(plus).tensor
    }

    /// Latents that look for the true directions: matching pursuit with them as its decoder.
    var dictionary: SparseDictionary {
        SparseDictionary(
            encoder: directions, encoderBias: Tensor(directions.rowCount), decoder: directions,
            decoderBias: Tensor(directions.rowWidth), activation: .matchingPursuit(16), centresInput: false)
    }

    func spectrum(_ sets: [UnitSet], workers: Workers) throws -> Spectrum {
        let concepts = (0..<directions.rowCount).map {
            Concept(name: "feature \($0)", family: "planted", definition: "Vectors that hold feature \($0).")
        }
        let length = 128
        let mean = (0..<x.rowWidth).map { c in
            (0..<x.rowCount).reduce(0.0) { $0 + Double(x[$1][c]) } / Double(x.rowCount)
        }
        let builder = try SpectrumBuilder(sets, concepts: concepts, mean: mean, contexts: x.rowCount / length)
        for context in 0..<x.rowCount / length {
            let rows = context * length..<(context + 1) * length
            builder.add(
                [
                    LabelledVectors(
                        x: x.rows(rows), scores: features.rows(rows), context: context,
                        positions: (0..<Int32(length)).map(\.self))
                ], workers: workers)
        }
        return builder.finish(workers: workers)
    }
}
