import Foundation
import PrismActivations
import PrismCore
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct ProbeCommandTests {
    private func record(_ folder: URL) throws -> [String: Any] {
        let data = try Data(contentsOf: folder.appending(path: "probes.json"))
        return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }

    /// Vectors of one's own: their classes, two labels, and labels that do not fit.
    @Test func labelledVectorsAreProbed() throws {
        try Inputs.withFolder { folder in
            try succeed(Discover.matrix(folder).arguments, in: folder)
            // Along the first coordinate low, middle and high: what a linear probe finds.
            let x = try NpyFile(folder.appending(path: "small.npy")).tensor()
            let first = (0..<x.rowCount).map { x[$0][0] }
            let cuts = [1, 2].map { first.sorted()[$0 * x.rowCount / 3] }
            func write(_ name: String, _ shape: [Int], _ values: [Float]) throws {
                try NpyFile.write(Tensor(shape: shape, values), to: folder.appending(path: name))
            }
            try write("classes.npy", [x.rowCount], first.map { $0 < cuts[0] ? 0 : $0 < cuts[1] ? 1 : 2 })
            try write(
                "pairs.npy", [x.rowCount, 2],
                (0..<x.rowCount).flatMap { [x[$0][0] < cuts[0] ? 0 : 1, x[$0][1] < 0.5 ? 0 : 1] as [Float] })
            try write("short.npy", [3], [0, 1, 2])
            try write("halves.npy", [x.rowCount], first.map { $0 < 0 ? 0.5 : 1 })
            try write("counts.npy", [x.rowCount, 2], (0..<2 * x.rowCount).map { Float($0 % 3) })

            func arguments(_ labels: String, _ out: String) -> [String] {
                ["probe", "run/dictionary", "--activations", "small.npy", "--labels", labels, "--out", out]
            }
            for threads in ["1", "2"] {
                try succeed(arguments("classes.npy", "threads-\(threads)") + ["--threads", threads], in: folder)
            }
            let files = try ["1", "2"].map {
                try Data(contentsOf: folder.appending(path: "threads-\($0)/probes.json"))
            }
            #expect(files[0] == files[1])
            let found = try record(folder.appending(path: "threads-1"))
            let probing = try #require((found["probing"] as? [[String: Any]])?.first)
            #expect(probing["classes"] as? [String] == ["0", "1", "2"])
            let results = try #require(probing["results"] as? [[String: Any]])
            let neuron = results.first {
                $0["units"] as? String == "neurons" && $0["ranking"] as? String == "optimal" && $0["k"] as? Int == 1
            }
            let accuracy = (neuron?["accuracy"] as? [String: Any])?["value"] as? Double ?? 0
            // The ends are told by one threshold without an error; the middle, which needs two, is not.
            #expect(accuracy > 0.8 && accuracy < 0.95)
            #expect((found["perturbation"] as? [Any])?.count == 3)
            let page = try String(contentsOf: folder.appending(path: "threads-1/report.html"), encoding: .utf8)
            #expect(page.contains("targeted probe perturbation"))

            try succeed(arguments("pairs.npy", "pairs"), in: folder)
            let removal = try #require(try record(folder.appending(path: "pairs"))["removal"] as? [[String: Any]])
            #expect(removal.count == 3)

            for (labels, reason) in [
                ("short.npy", "vectors need"), ("halves.npy", "classes are whole numbers"),
                ("counts.npy", "must be 0 or 1"),
            ] {
                expectFailure(try Command(arguments(labels, "refused"), in: folder).run(), 65, mentions: reason)
            }
            for (more, reason) in [
                (["run"], "give labels of your own"),
                (["run/dictionary", "--activations", "small.npy"], "go together"),
                (["nowhere"], "is no run"),
            ] {
                expectFailure(
                    try Command(["probe"] + more + ["--out", "refused"], in: folder).run(), 64, mentions: reason)
            }
        }
    }

    /// Known features with children: their parents are the classes.
    @Test func parentsAreProbedForOnKnownFeatures() throws {
        try withTemporaryFolder { folder in
            var configuration = SyntheticConfiguration.small
            (configuration.features, configuration.width) = (64, 24)
            configuration.hierarchy = SyntheticConfiguration.Hierarchy(
                roots: 8, branching: 3, depth: 1, exclusiveShare: 1, scalesByParent: true)
            try JSONEncoder.prism.encode(configuration).write(to: folder.appending(path: "spec.json"))
            try succeed(["synth", "spec.json", "--vectors", "4000", "--out", "world"], in: folder)
            try succeed(
                [
                    "discover", "--activations", folder.appending(path: "world").path, "--latents", "64", "--k", "4",
                    "--batch", "256", "--tokens", "30000", "--passes", "1", "--learning-rate", "0.01",
                    "--evaluation-tokens", "4000", "--out", "run",
                ], in: folder)
            try succeed(["probe", "run", "--rankings", "fStatistic", "--out", "probes"], in: folder)
            let probing = try #require(
                (try record(folder.appending(path: "probes"))["probing"] as? [[String: Any]])?.first)
            let classes = try #require(probing["classes"] as? [String])
            #expect(classes.count > 1 && classes.allSatisfy { $0.hasPrefix("feature ") })
            let rankings = Set(
                try #require(probing["results"] as? [[String: Any]]).compactMap { $0["ranking"] as? String })
            #expect(rankings == ["meanDifference", "fStatistic"])
        }
    }

    /// A text of two sources, read by the tiny model.
    @Test func aTextIsAskedForWhatItCarries() throws {
        try Inputs.withFolder { folder in
            for (source, words) in [("light", "light glass red beam"), ("dark", "dark wave blue seven")] {
                let place = folder.appending(path: "text/\(source)")
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                for number in 0..<80 {
                    let text = (0..<30).map { words.split(separator: " ")[($0 * 7 + number * 3) % 4] }
                    try Data(text.joined(separator: " ").utf8).write(to: place.appending(path: "\(number).txt"))
                }
            }
            try succeed(Discover.model(folder).arguments, in: folder)
            for threads in ["1", "2"] {
                try succeed(["probe", "run", "--threads", threads, "--out", "threads-\(threads)"], in: folder)
            }
            let files = try ["1", "2"].map {
                try Data(contentsOf: folder.appending(path: "threads-\($0)/probes.json"))
            }
            #expect(files[0] == files[1])
            let probing = try #require(
                try record(folder.appending(path: "threads-1"))["probing"] as? [[String: Any]])
            let source = try #require(probing.first { $0["task"] as? String == "source" })
            #expect(Set(try #require(source["classes"] as? [String])).isSuperset(of: ["dark", "light"]))
            // The sources use words of their own: even a model of random weights tells them, with ½ for chance.
            #expect(((source["whole"] as? [String: Any])?["value"] as? Double ?? 0) > 0.8)
        }
    }
}
