import Foundation
import PrismCausal
import PrismCore
import PrismTestSupport
import Testing

@Suite struct CircuitFeaturesTests {
    private func write(_ text: String, _ name: String, _ folder: URL) throws {
        try Data(text.utf8).write(to: folder.appending(path: name))
    }

    /// Autoencoders of both layers of the tiny model: a circuit, its protocols, and what units change besides.
    @Test func circuitsAreFoundAndUnitsTakenAway() throws {
        try Inputs.withFolder { folder in
            _ = try Discover.sweep(
                "name: first, hook: blocks.0.hook_resid_post", "name: second, hook: blocks.1.mlp.hook_post",
                "name: again, hook: blocks.1.mlp.hook_post, seed: 5",
                "name: transcoder, hook: blocks.1.mlp.hook_in, target: blocks.1.hook_mlp_out", in: folder
            ).finished(in: folder)
            try write(
                """
                {"clean": "1 2 3 4", "corrupt": "1 2 5 4", "answer": "a", "foil": "b"}
                {"clean": "7 2 9", "corrupt": "7 2 6", "answer": ["c", "d"], "foil": "b"}
                {"clean": "8 2 9", "corrupt": "8 2 6", "answer": ["c", "d"], "foil": "a"}
                {"clean": "3 2 9", "corrupt": "3 2 6", "answer": "d", "foil": "b"}
                {"clean": "6 2 3 4", "corrupt": "6 2 5 4", "answer": "a", "foil": "b"}
                """, "pairs.jsonl", folder)
            try write(
                """
                {"clean": "1 2 3 4", "corrupt": "1 2 5 4", "answer": "a", "foil": "b"}
                """, "single.jsonl", folder)
            func features(_ names: [String], _ out: String) -> [String] {
                ["circuit", "features"] + names.map { "run:\($0)" }
                    + ["--pairs", "pairs.jsonl", "--nodes", "6", "--steps", "2", "--out", out]
            }
            for threads in ["1", "2"] {
                let outcome = try Command(
                    features(["second", "first"], threads) + ["--threads", threads], in: folder
                ).run()
                #expect(outcome.status == 0, "\(outcome.complaints)")
                #expect(outcome.output.contains("found on 3 pairs, judged on 2 others:\nlatents: "))
            }
            func data(_ name: String) throws -> Data { try Data(contentsOf: folder.appending(path: name)) }
            for name in ["circuit.json", "report.html"] {
                #expect(try data("1/\(name)") == data("2/\(name)"), "\(name)")
            }
            let record = try JSONDecoder().decode(CircuitReport.self, from: data("1/circuit.json"))
            #expect(record.places == ["blocks.0.hook_resid_post", "blocks.1.mlp.hook_post"])
            #expect(record.findingPairs == 3 && record.judgingPairs == 2)
            #expect(record.bases.map(\.name) == ["latents", "neurons"] && record.bases[0].edges?.isEmpty == false)
            #expect(record.bases[0].verdicts.count == 30 && record.bases[1].verdicts.count == 27)
            for curve in record.bases.flatMap(\.curves) {
                #expect(curve.points[0].faithfulness.value == 0 && curve.points[0].completeness.value == 1)
            }

            try succeed(
                [
                    "circuit", "selectivity", "run:second", "run:again", "--units", "9", "--tokens", "200", "--out",
                    "selective",
                ],
                in: folder)
            let report = try JSONDecoder().decode(SideEffectReport.self, from: data("selective/selectivity.json"))
            #expect(report.latents.units.count == 9 && report.neurons.units.count == 9)
            #expect(report.latents.readers == ["run:second", "run:again"])

            // A dictionary's file alone, on text that is named.
            try succeed(
                ["circuit", "selectivity", "model", "run/second/dictionary", "--units", "2", "--tokens", "200"]
                    + ["--text", "text", "--out", "foreign"], in: folder)

            for (names, reason) in [
                (["transcoder"], "is a transcoder"), (["second", "again"], "of different hook points"),
                (["third"], "no dictionary ‘third’"),
            ] {
                expectFailure(
                    try Command(features(names, "refused-\(reason.count)"), in: folder).run(), 64, mentions: reason)
            }
            expectFailure(
                try Command(
                    ["circuit", "features", "run:first", "--pairs", "single.jsonl", "--out", "single"], in: folder
                ).run(), 64, mentions: "give 2 at least")
            expectFailure(
                try Command(
                    ["circuit", "features", "model", "--pairs", "pairs.jsonl", "--out", "alone"], in: folder
                ).run(), 64, mentions: "not a model alone")
            expectFailure(
                try Command(["circuit", "selectivity", "run:second", "run:first", "--out", "early"], in: folder).run(),
                64,
                mentions: "which nothing at")
        }
    }
}
