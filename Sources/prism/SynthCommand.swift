import ArgumentParser
import Foundation
import PrismActivations
import PrismCore

struct SynthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "synth",
        abstract: "Makes activations out of known features, to see which of them a dictionary finds.",
        discussion: """
            PRESET is small (256 features in 64 dimensions) or synthsaebench-16k (Chanin and Garriga-Alonso 2026), or a \
            JSON file like the synthetic.json that this command writes.

            Example:
              prism synth small --out worlds/small
              prism discover --activations worlds/small --latents 256 --k 5 --batch 512 --learning-rate 0.003 \
                --out runs/small
              prism evaluate runs/small

            The folder holds synthetic.json and truth.safetensors: the features' directions, frequencies and parents. \
            Vectors are made from them as they are needed, any number.
            """)

    @Argument(help: ArgumentHelp("A preset's name or a JSON file.", valueName: "preset")) var preset: String
    @Option(help: ArgumentHelp("Folder to make.", valueName: "folder")) var out: String
    @Option(help: ArgumentHelp("Seed of the features and vectors. (default: the preset's, 0)", valueName: "n"))
    var seed: UInt64?
    @Option(
        help: ArgumentHelp(
            "Also write vectors.safetensors for other tools: this many of the vectors that training sees, and for each its true features.",
            valueName: "n"))
    var vectors: Int?
    @OptionGroup var threads: ThreadOption

    func run() throws {
        Interrupt.install()
        guard vectors ?? 1 > 0 else { throw PrismError.usage("vectors must be positive, not \(vectors!)") }
        let folder = URL(filePath: out)
        try Files.requireFree(folder)
        var configuration = try configuration()
        configuration.seed = seed ?? configuration.seed
        let features = try SyntheticFeatures(configuration, workers: threads.workers)
        try features.save(to: folder)
        if let vectors {
            try SyntheticActivations(features, .training, vectorCount: vectors).write(
                to: folder.appending(path: "vectors.safetensors"), workers: threads.workers)
        }
        print(folder.path)
    }

    private func configuration() throws -> SyntheticConfiguration {
        if let preset = SyntheticConfiguration.presets[preset] { return preset }
        guard FileManager.default.fileExists(atPath: preset) else {
            let known = SyntheticConfiguration.presets.keys.sorted().joined(separator: ", ")
            throw PrismError.usage("there is no preset and no file ‘\(preset)’; presets are \(known)")
        }
        return try SyntheticConfiguration(loading: URL(filePath: preset))
    }
}
