import Foundation
import PrismCausal
import PrismCore
import PrismDictionaries
import PrismTensor
import PrismTestSupport
import Testing

@Suite struct CircuitGraphTests {
    /// Two transcoders of the tiny model, traced and put to the test; the numbers do not depend on threads.
    @Test func promptsAreTraced() throws {
        try Inputs.withFolder { folder in
            _ = try Discover.sweep(
                "name: first, hook: blocks.0.mlp.hook_in, target: blocks.0.hook_mlp_out",
                "name: second, hook: blocks.1.mlp.hook_in, target: blocks.1.hook_mlp_out",
                "name: stream, hook: blocks.1.hook_resid_post", in: folder
            ).finished(in: folder)
            func arguments(_ names: [String], _ prompt: String, _ out: String) -> [String] {
                ["circuit", "graph"] + names.map { "run:\($0)" }
                    + ["--prompt", prompt, "--prompt", prompt, "--out", out]
            }
            let prompt = "the light of a red prism was dark"
            for threads in ["1", "2"] {
                try succeed(arguments(["first", "second"], prompt, threads) + ["--threads", threads], in: folder)
            }
            func data(_ name: String) throws -> Data { try Data(contentsOf: folder.appending(path: name)) }
            let slug = "the-light-of-a-red-prism-was-dark"
            for name in ["graphs.json", "graph-metadata.json", "\(slug).json", "\(slug)-2.json", "report.html"] {
                #expect(try data("1/\(name)") == data("2/\(name)"), "\(name)")
            }
            let summaries = try JSONDecoder().decode([GraphSummary].self, from: data("1/graphs.json"))
            #expect(summaries.map(\.slug) == [slug, "\(slug)-2"])
            let summary = summaries[0]
            // The model has no biases of its own: what is missing is rounding.
            #expect(summary.remainder < 1e-5)
            #expect(
                summary.edges.count == 100 && summary.kept.features > 0 && summary.traced == summary.active
                    && !summary.checks.isEmpty)
            #expect(summary.scores.replacement > 0 && summary.scores.replacement < 1)
            let graph = try JSONDecoder().decode(GraphFile.self, from: data("1/\(slug).json"))
            #expect(graph.links.count == summary.kept.edges)
            for node in graph.nodes where node.kind == .feature {
                let page = try JSONSerialization.jsonObject(with: data("1/features/\(node.feature).json"))
                let feature = try #require(page as? [String: Any])
                let percentiles = try #require(feature["quantile_values"] as? [Double])
                let largest = try #require(feature["act_max"] as? Double)
                #expect(percentiles.count == 99 && zip(percentiles, percentiles.dropFirst()).allSatisfy { $0 <= $1 })
                // The histogram's last bin reaches at most twice as far as the maximum.
                #expect(percentiles[0] >= 0 && percentiles[98] <= 2 * largest)
                let quantiles = try #require(feature["examples_quantiles"] as? [[String: Any]])
                let example = try #require((quantiles.first?["examples"] as? [[String: Any]])?.first)
                let place = try #require(example["train_token_ind"] as? Int)
                let activations = try #require(example["tokens_acts_list"] as? [Double])
                #expect(activations[place] == activations.max())
            }

            // Their files alone make the same graph, without pages.
            try succeed(
                ["circuit", "graph", "model", "run/first/dictionary", "run/second/dictionary"]
                    + ["--prompt", prompt, "--out", "foreign"], in: folder)
            let foreign = try JSONDecoder().decode([GraphSummary].self, from: data("foreign/graphs.json"))[0]
            #expect(foreign.scores == summary.scores && foreign.kept == summary.kept)
            let unnamed = try JSONDecoder().decode(GraphFile.self, from: data("foreign/\(slug).json"))
            #expect(unnamed.links == graph.links && unnamed.nodes.allSatisfy { $0.kind != .feature || $0.label == "" })
            let pages = folder.appending(path: "foreign/features").path
            #expect(try FileManager.default.contentsOfDirectory(atPath: pages).isEmpty)

            for (names, prompt, reason) in [
                (["stream"], prompt, "a graph is made of transcoders"), (["first"], "", "the prompt is empty"),
                (["first", "first"], prompt, "both read layer 0"), (["third"], prompt, "no dictionary ‘third’"),
            ] {
                expectFailure(
                    try Command(arguments(names, prompt, "refused-\(reason.count)"), in: folder).run(), 64,
                    mentions: reason)
            }
            expectFailure(
                try Command(arguments(["first"], prompt, "4") + ["--node-threshold", "2"], in: folder).run(), 64,
                mentions: "between 0 and 1")
            expectFailure(
                try Command(arguments(["first"], prompt, "1"), in: folder).run(), 64, mentions: "exists already")
        }
    }

    /// A folder as circuit-tracer keeps it, whose latents write to later layers too.
    @Test func crossLayerTranscodersAreTraced() throws {
        try Inputs.withFolder { folder in
            func write(_ name: String, reads: String, width: Int) throws {
                var generator = SeededGenerator(seed: 8, stream: "crossing")
                func random(_ shape: Int..., size: Float) -> Tensor {
                    Tensor(shape: shape, (0..<shape.reduce(1, *)).map { _ in size * generator.normal() })
                }
                let layers = (0..<2).map { layer in
                    SparseDictionary(
                        encoder: random(40, width, size: 0.3), encoderBias: random(40, size: 0.3),
                        decoder: random(40, (2 - layer) * width, size: 0.1),
                        decoderBias: Tensor((2 - layer) * width), activation: .relu, centresInput: false)
                }
                let configuration = try CircuitTracerConfiguration(
                    modelName: "tiny", inputHook: reads, outputHook: "hook_mlp_out")
                try CrossLayerTranscoder(layers: layers, configuration: configuration).write(
                    to: folder.appending(path: name))
            }
            try write("crossing", reads: "hook_resid_mid", width: 32)
            try write("wide", reads: "hook_resid_mid", width: 33)
            try write("elsewhere", reads: "hook_resid_pre", width: 32)
            func arguments(_ names: [String], _ out: String) -> [String] {
                ["circuit", "graph", "model"] + names + ["--prompt", "the light was dark", "--out", out]
            }
            try succeed(arguments(["crossing"], "graph"), in: folder)
            let data = try Data(contentsOf: folder.appending(path: "graph/graphs.json"))
            let summary = try JSONDecoder().decode([GraphSummary].self, from: data)[0]
            #expect(summary.remainder < 1e-5 && summary.kept.features > 0 && summary.scores.replacement > 0)
            for (names, reason) in [
                (["wide"], "is of another model"), (["elsewhere"], "a graph is made of transcoders"),
                (["crossing", "wide"], "name it alone"),
            ] {
                expectFailure(try Command(arguments(names, "refused"), in: folder).run(), 64, mentions: reason)
            }
        }
    }
}
