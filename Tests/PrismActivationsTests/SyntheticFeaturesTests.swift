import Foundation
import PrismActivations
import PrismCore
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct SyntheticFeaturesTests {
    private static func configuration() -> SyntheticConfiguration {
        var configuration = SyntheticActivationsTests.configuration(features: 13, width: 3)
        configuration.correlation = .init(rank: 2, scale: 0.6)
        configuration.hierarchy = .init(roots: 2, branching: 2, depth: 2, exclusiveShare: 0.5, scalesByParent: true)
        return configuration
    }

    @Test func aFolderGivesTheSameVectors() throws {
        try withTemporaryFolder { folder in
            let features = try SyntheticFeatures(Self.configuration())
            #expect(!SyntheticFeatures.exist(in: folder))
            try features.save(to: folder)
            #expect(SyntheticFeatures.exist(in: folder))
            let loaded = try SyntheticFeatures(loading: folder)
            #expect(loaded.configuration == features.configuration)
            #expect(loaded.exclusive == features.exclusive && loaded.exclusive.contains(true))
            let vectors = try [features, loaded].map { features in
                let out = Tensor(300, 3)
                try SyntheticActivations(features, .training, vectorCount: 300).read(
                    0..<300, into: out, workers: Workers()
                ) { _ in }
                return out.values
            }
            #expect(vectors[0] == vectors[1])
        }
    }

    /// Whatever the damage: an error in words, or features that vectors can be made of.
    @Test(arguments: ["synthetic.json", "truth.safetensors"]) func damagedFilesAreRefused(_ name: String) throws {
        try withTemporaryFolder { folder in
            try SyntheticFeatures(Self.configuration()).save(to: folder)
            let url = folder.appending(path: name)
            var refused = 0
            try forEachMutation(of: try Data(contentsOf: url), header: 700, count: 200) { data, what in
                try data.write(to: url)
                do {
                    let features = try SyntheticFeatures(loading: folder)
                    // A number that is still in range gives other vectors; what they are is not of interest.
                    _ = SyntheticActivations(features, .training, vectorCount: 2).codes(
                        0..<2, workers: Workers(count: 1))
                } catch let error as PrismError {
                    refused += 1
                    #expect(error.kind == .badData && !error.message.isEmpty, "\(what)")
                }
            }
            #expect(refused > 500)
        }
    }

    @Test func contradictionsAreNamed() throws {
        func refuses(_ word: String, _ change: (inout SyntheticConfiguration) -> Void) {
            var configuration = Self.configuration()
            change(&configuration)
            let error = #expect(throws: PrismError.self) { try SyntheticFeatures(configuration) }
            #expect(error?.kind == .usage && error?.message.contains(word) == true, "\(word)")
        }
        try Self.configuration().validate()
        for preset in SyntheticConfiguration.presets.values { try preset.validate() }
        refuses("features") { $0.features = 0 }
        refuses("width") { $0.width = -1 }
        refuses("largest") { $0.frequencies.largest = 1 }
        refuses("smallest") { $0.frequencies.smallest = 0.5 }
        refuses("exponent") { $0.frequencies.exponent = .nan }
        refuses("meanOfLast") { $0.magnitudes.meanOfLast = 0 }
        refuses("noise") { $0.noise = -1 }
        refuses("bias") { $0.bias = .infinity }
        refuses("branching") { $0.hierarchy?.branching = 0 }
        refuses("exclusiveShare") { $0.hierarchy?.exclusiveShare = 1.5 }
        refuses("rank") { $0.correlation?.rank = 0 }
    }

    @Test func specificationsAreComplete() throws {
        try withTemporaryFolder { folder in
            let url = folder.appending(path: "spec.json")
            func message(_ text: String) throws -> String {
                try Data(text.utf8).write(to: url)
                do {
                    _ = try SyntheticConfiguration(loading: url)
                    return ""
                } catch {
                    return "\(error)"
                }
            }
            let text = String(decoding: try JSONEncoder.prism.encode(Self.configuration()), as: UTF8.self)
            #expect(try message(text) == "")
            #expect(try message(text.replacing("\"noise\"", with: "\"nose\"")).contains("‘noise’"))
            #expect(try message(text.replacing("\"noise\"", with: "\"x\" : 1, \"noise\"")).contains("‘x’"))
            #expect(try message(text.replacing("\"rank\"", with: "\"x\" : 1, \"rank\"")).contains("‘correlation.x’"))
            #expect(try message("[1]").contains("no specification"))
        }
    }

    /// What the benchmark's authors' own program counts in its world: 34.45 active features a vector (8,000 vectors,
    /// SAELens 6.54.12), of them 8.20 roots, then 7.31, 7.31 and 7.12 by level, and 4.51 without a tree.
    @Test func theBenchmarksWorldIsAsCrowdedAsItsOriginal() throws {
        var configuration = SyntheticConfiguration.synthSAEBench16k
        // Directions do not matter here and take long.
        (configuration.width, configuration.orthogonalisation) = (2, 0)
        let source = SyntheticActivations(try SyntheticFeatures(configuration), .training, vectorCount: 8000)
        let codes = source.codes(0..<8000, workers: Workers())
        let levels = [0..<128, 128..<640, 640..<2688, 2688..<10880, 10880..<16384]
        var counts = [Double](repeating: 0, count: 5)
        for t in 0..<8000 {
            for active in codes[t] { counts[levels.firstIndex { $0.contains(active.latent) }!] += 1 / 8000 }
        }
        // Numbers of a vector's features scatter by 3 in each level at most: 0.033 in a mean of 8,000, twice that for
        // two such means and what the drawn correlations change.
        for (found, expected) in zip(counts, [8.20, 7.31, 7.31, 7.12, 4.51]) { #expect(abs(found - expected) < 0.2) }
    }
}
