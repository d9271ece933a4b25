import Foundation
import PrismCore
import PrismFormats
import PrismTensor

/// A folder of `synthetic.json`, the configuration, and `truth.safetensors`, everything drawn from it:
///
///     directions [features, width]   bias [width]                  frequencies, probabilities [features]
///     mean_magnitudes, magnitude_deviations [features]             parents [features] int32, −1 for none
///     exclusive_children [features] uint8                          correlation_factor [features, rank]
///
/// A source of vectors follows from it alone, so whoever changes the truth changes the vectors.
extension SyntheticFeatures {
    private static let configurationFile = "synthetic.json"
    private static let truthFile = "truth.safetensors"

    /// Whether the folder says that it holds synthetic features.
    public static func exist(in folder: URL) -> Bool {
        FileManager.default.fileExists(atPath: folder.appending(path: configurationFile).path)
    }

    /// Writes the two files; `synthetic.json` is last, so that a folder without it is known to be incomplete.
    public func save(to folder: URL) throws {
        let count = frequencies.count
        var writer = SafetensorsWriter()
        writer.add("directions", directions)
        writer.add("bias", bias.reshaped(bias.count))
        for (name, values) in [
            ("frequencies", frequencies), ("probabilities", probabilities), ("mean_magnitudes", means),
            ("magnitude_deviations", deviations),
        ] {
            writer.add(name, Tensor(shape: [count], values))
        }
        writer.add("parents", parents, shape: [count])
        writer.add("exclusive_children", exclusive.map { UInt8($0 ? 1 : 0) }, shape: [count])
        writer.add("correlation_factor", factors)
        try Files.createFolder(folder)
        try writer.write(to: folder.appending(path: Self.truthFile))
        try Files.writeAtomically(
            JSONEncoder.prism.encode(configuration), to: folder.appending(path: Self.configurationFile))
    }

    /// - Throws: `PrismError.usage` if the folder holds no synthetic features, `.badData` if they contradict themselves.
    public init(loading folder: URL) throws {
        guard Self.exist(in: folder) else {
            throw PrismError.usage("\(folder.path) holds no \(Self.configurationFile); make one with `prism synth`")
        }
        let configuration = try SyntheticConfiguration(loading: folder.appending(path: Self.configurationFile))
        let url = folder.appending(path: Self.truthFile)
        let file = try SafetensorsFile(url)
        let count = configuration.features
        func tensor(_ name: String, _ shape: Int...) throws -> Tensor {
            guard file.shape(of: name) == shape else {
                throw PrismError.badData(
                    "\(url.path): ‘\(name)’ must have the shape \(shape), it has \(file.shape(of: name).map(\.description) ?? "none")"
                )
            }
            let tensor = try file.tensor(name)
            try tensor.requireFinite(in: "\(url.path) ‘\(name)’")
            return tensor
        }
        func values(_ name: String, _ range: ClosedRange<Float>) throws -> [Float] {
            let values = try tensor(name, count).values
            guard let wrong = values.first(where: { !range.contains($0) }) else { return values }
            throw PrismError.badData(
                "\(url.path): ‘\(name)’ must lie between \(range.lowerBound) and \(range.upperBound), \(wrong) does not"
            )
        }
        let largest = Float.greatestFiniteMagnitude
        self.configuration = configuration
        directions = try tensor("directions", count, configuration.width)
        bias = try tensor("bias", configuration.width).reshaped(1, configuration.width)
        frequencies = try values("frequencies", 0...1)
        probabilities = try values("probabilities", 0...1)
        means = try values("mean_magnitudes", .leastNonzeroMagnitude...largest)
        deviations = try values("magnitude_deviations", 0...largest)
        exclusive = try values("exclusive_children", 0...1).map { $0 > 0 }
        let parents = try values("parents", -1...Float(count)).map(Int32.init)
        guard parents.indices.allSatisfy({ parents[$0] < $0 }) else {
            throw PrismError.badData("\(url.path): a feature's parent must have a lower number than the feature")
        }
        self.parents = parents
        let factors = try tensor("correlation_factor", count, configuration.correlation?.rank ?? 0)
        guard (0..<count).allSatisfy({ factors.norm(ofRow: $0) < 1 }) else {
            throw PrismError.badData("\(url.path): rows of ‘correlation_factor’ must be shorter than 1")
        }
        self.factors = factors
    }
}
