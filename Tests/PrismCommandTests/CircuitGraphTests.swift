import Foundation
import PrismCausal
import PrismCore
import PrismTestSupport
import Testing

@Suite struct CircuitGraphTests {
    private func write(_ text: String, _ folder: URL) throws {
        try Data(text.utf8).write(to: folder.appending(path: "sweep.yaml"))
    }

    /// Two transcoders of the tiny model, traced and put to the test; the numbers do not depend on threads.
    @Test func promptsAreTraced() throws {
        try Inputs.withFolder { folder in
            try write(
                """
                model: model
                text: text
                latents: 96
                k: 4
                batch: 64
                tokens: 4000
                buffer: 1000
                evaluation_tokens: 500
                atlas_tokens: 2000
                length: 32
                sweep:
                  - {name: first, hook: blocks.0.mlp.hook_in, target: blocks.0.hook_mlp_out}
                  - {name: second, hook: blocks.1.mlp.hook_in, target: blocks.1.hook_mlp_out}
                  - {name: stream, hook: blocks.1.hook_resid_post}
                """, folder)
            try succeed(["discover", "--config", "sweep.yaml", "--out", "run"], in: folder)
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
            #expect(summary.kept.features > 0 && summary.traced == summary.active && !summary.checks.isEmpty)
            #expect(summary.scores.replacement > 0 && summary.scores.replacement < 1)
            let graph = try JSONDecoder().decode(GraphFile.self, from: data("1/\(slug).json"))
            #expect(graph.links.count == summary.kept.edges)
            for node in graph.nodes where node.kind == .feature {
                #expect(try !data("1/features/\(node.feature).json").isEmpty)
            }

            for (names, prompt, reason) in [
                (["stream"], prompt, "a graph is made of transcoders"), (["first"], "", "the prompt is empty"),
                (["first", "first"], prompt, "both read layer 0"), (["third"], prompt, "no dictionary ‘third’"),
            ] {
                expectFailure(
                    try Command(arguments(names, prompt, "refused-\(reason.count)"), in: folder).run(), 64,
                    mentions: reason)
            }
            expectFailure(
                try Command(arguments(["first"], prompt, "4") + ["--nodes", "2"], in: folder).run(), 64,
                mentions: "between 0 and 1")
            expectFailure(
                try Command(arguments(["first"], prompt, "1"), in: folder).run(), 64, mentions: "exists already")
        }
    }
}
