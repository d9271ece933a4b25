import Foundation
import PrismActivations
import PrismCore
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct SynthCommandTests {
    private static let againstTruth: Set = [
        "mcc", "mmcs", "f1", "precision", "recall", "uniqueness", "features_recovered",
    ]

    /// From a specification to a run that knows how many of the features it found.
    @Test func aRunOnKnownFeaturesIsMeasuredAgainstThem() throws {
        try withTemporaryFolder { folder in
            var configuration = SyntheticConfiguration.small
            (configuration.features, configuration.width) = (24, 12)
            try JSONEncoder.prism.encode(configuration).write(to: folder.appending(path: "spec.json"))
            try prism("synth", "spec.json", "--seed", "5", "--vectors", "3000", "--out", "world", in: folder)
            configuration.seed = 5
            #expect(
                try SyntheticConfiguration(loading: folder.appending(path: "world/synthetic.json")) == configuration)

            // The vectors are those that training sees, and sums of the features they name.
            let file = try SafetensorsFile(folder.appending(path: "world/vectors.safetensors"))
            let features = try SyntheticFeatures(loading: folder.appending(path: "world"))
            let x = Tensor(3000, 12)
            let source = SyntheticActivations(features, .training, vectorCount: 3000)
            try source.read(0..<3000, into: x, workers: Workers()) { _ in }
            #expect(try file.tensor("activations").values == x.values)
            let offsets = try file.tensor("feature_offsets").values.map(Int.init)
            let indices = try file.tensor("feature_indices").values.map(Int.init)
            let codes = source.codes(0..<3000, workers: Workers())
            for t in 0..<3000 { #expect(Array(indices[offsets[t]..<offsets[t + 1]]) == codes[t].map(\.latent)) }

            try prism(
                "discover", "--activations", folder.appending(path: "world").path, "--latents", "24", "--k", "2",
                "--batch", "256", "--tokens",
                "100000", "--passes", "1", "--learning-rate", "0.01", "--evaluation-tokens", "2000", "--out", "run",
                in: folder)
            let metrics = try DiscoverCommandTests().metrics(of: folder.appending(path: "run")).metrics
            #expect(Set(metrics.keys) == DiscoverCommandTests.ofMatrix.union(Self.againstTruth))
            // As easy as can be; a wrong feature's cosine is about 0.3. Two latents for half a feature at a time, on average,
            // fire often in vain.
            #expect(metrics["mcc"]!.value > 0.8 && metrics["mcc"]!.value <= 1 + 1e-6)
            #expect(metrics["f1"]!.value > 0.3)
            let report = try String(contentsOf: folder.appending(path: "run/report.html"), encoding: .utf8)
            #expect(report.contains("MMCS"))

            // A run on the matrix alone learns of the features when it is told.
            try NpyFile.write(x, to: folder.appending(path: "x.npy"))
            try prism(
                "discover", "--activations", "x.npy", "--latents", "24", "--k", "2", "--batch", "64", "--held-out",
                "0.3", "--out", "plain", in: folder)
            #expect(try !prism("evaluate", "plain", "--json", in: folder).output.contains("mcc"))
            #expect(try prism("evaluate", "plain", "--truth", "world", "--json", in: folder).output.contains("mcc"))
        }
    }

    @Test func wrongCallsAreRefused() throws {
        try withTemporaryFolder { folder in
            func refuses(_ arguments: [String], _ status: Int32, _ mentions: String) throws {
                try ErrorTests().expect(["synth"] + arguments, in: folder, status, mentions: mentions)
            }
            try Data("{}".utf8).write(to: folder.appending(path: "spec.json"))
            try refuses(["nonsense", "--out", "world"], 64, "small, synthsaebench-16k")
            try refuses(["spec.json", "--out", "world"], 65, "lacks the member")
            try refuses(["small", "--vectors", "0", "--out", "world"], 64, "vectors")
            try refuses(["small", "--out", "."], 64, "exists already")
        }
    }
}
