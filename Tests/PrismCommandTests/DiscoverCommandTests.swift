import Foundation
import PrismCore
import PrismFormats
import PrismTestSupport
import Testing

@Suite struct DiscoverCommandTests {
    struct Metric: Decodable { let value, low, high: Double }

    static let ofMatrix: Set = [
        "l0", "fvu", "mse", "mse_per_dimension", "normalized_mse", "gamma", "cosine", "dead_fraction", "dense_fraction",
    ]
    static let ofModel = ofMatrix.union([
        "ce_clean", "ce_spliced", "ce_zero", "ce_mean", "delta_ce", "kl", "loss_recovered_zero", "loss_recovered_mean",
    ])

    /// The metrics that `evaluate --json` prints, beside the number of vectors.
    func metrics(of run: URL) throws -> (metrics: [String: Metric], tokens: Int) {
        let outcome = try prism("evaluate", run.path, "--json", in: run)
        var members = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        let tokens = try #require(members.removeValue(forKey: "tokens") as? Int)
        #expect(members.removeValue(forKey: "contexts") as? Int ?? 0 > 1)
        for (name, member) in members { #expect((member as? [String: Any])?.count == 3, "\(name)") }
        return (
            try JSONDecoder().decode([String: Metric].self, from: JSONSerialization.data(withJSONObject: members)),
            tokens
        )
    }

    @Test func takesAMatrixApart() throws {
        try Inputs.withFolder { folder in
            let run = try Discover.matrix(folder).finished(in: folder)
            let (metrics, tokens) = try metrics(of: run)
            #expect(Set(metrics.keys) == Self.ofMatrix)
            for (name, metric) in metrics {
                #expect(metric.low <= metric.value && metric.value <= metric.high, "\(name)")
            }
            #expect(metrics["l0"]!.value > 1 && metrics["l0"]!.value <= 4)
            #expect(metrics["fvu"]!.value < 0.5)
            // The groups held out are 128 rows each, and some tenth of all.
            #expect(tokens % 128 <= 32 && (1..<1200).contains(tokens))
            // What the run itself wrote is what `evaluate` finds again from the saved dictionary.
            let written = try JSONSerialization.jsonObject(
                with: Data(contentsOf: run.appending(path: "evaluation.json")))
            let values = (written as? [String: Any])?["metrics"] as? [String: [String: Double]]
            // Going through JSON twice can cost a double its last digit.
            #expect(abs((values?["fvu"]?["value"] ?? .nan) - metrics["fvu"]!.value) < 1e-12)
            let lines = try String(contentsOf: run.appending(path: "metrics.jsonl"), encoding: .utf8).split(
                separator: "\n")
            #expect(lines.count == 416 && lines.last!.contains(#""step":416"#))
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: run.appending(path: "checkpoints").path).count == 2)
            let people = try prism("evaluate", "run", in: folder).output
            for name in Self.ofMatrix { #expect(people.contains(name)) }
            // The dictionary encodes; its latents are at most k a row.
            try prism(
                "encode", "run/dictionary", "small.npy", "--latents", "latents.npy", "--reconstruction", "out.npy",
                in: folder)
            let small = try Data(contentsOf: folder.appending(path: "small.npy"))
            #expect(try Data(contentsOf: folder.appending(path: "out.npy")).count == small.count)
        }
    }

    @Test func takesAModelApart() throws {
        try Inputs.withFolder { folder in
            let run = try Discover.model(folder).finished(in: folder)
            let (metrics, tokens) = try metrics(of: run)
            #expect(Set(metrics.keys) == Self.ofModel)
            // 33 contexts of at most 31 vectors.
            #expect((700...1023).contains(tokens))
            #expect(metrics["kl"]!.value > 0 && metrics["ce_clean"]!.value > 0)
            #expect(metrics["delta_ce"]!.value - (metrics["ce_spliced"]!.value - metrics["ce_clean"]!.value) < 1e-12)
            // Fewer vectors, as asked: seven contexts.
            let few = try prism("evaluate", "run", "--tokens", "200", "--json", in: folder).output
            #expect(few.contains("\"contexts\" : 7"))
        }
    }

    /// Every kind of hook point goes the whole way, whatever its width and place.
    @Test(arguments: [
        "hook_embed", "blocks.0.hook_resid_pre", "blocks.1.hook_attn_out", "blocks.0.hook_resid_mid",
        "blocks.1.mlp.hook_in",
        "blocks.0.mlp.hook_post", "blocks.1.hook_mlp_out", "blocks.1.hook_resid_post", "ln_final.hook_out",
    ])
    func everyHookPointGoesTheWholeWay(_ hook: String) throws {
        try Inputs.withFolder { folder in
            let run = try Discover.model(folder, "--hook", hook).finished(in: folder)
            #expect(try metrics(of: run).metrics["loss_recovered_zero"]!.value.isFinite)
        }
    }

    @Test func budgetsHoldForAMatrixToo() throws {
        try Inputs.withFolder { folder in
            let run = try Discover.matrix(folder, "--tokens", "640", "--evaluation-tokens", "100").finished(in: folder)
            let lines = try String(contentsOf: run.appending(path: "metrics.jsonl"), encoding: .utf8).split(
                separator: "\n")
            #expect(lines.count == 80)
            let outcome = try prism("evaluate", "run", "--json", in: folder)
            #expect(outcome.output.contains("\"tokens\" : 128"))
        }
    }

    /// Vectors without any variance have no FVU; that is said, not a failure.
    @Test func figuresThatAreNotDefinedAreNull() throws {
        try Inputs.withFolder { folder in
            let flat = Inputs.planted()
            flat.fill(1)
            try NpyFile.write(flat, to: folder.appending(path: "small.npy"))
            _ = try Discover.matrix(folder).finished(in: folder)
            #expect(try prism("evaluate", "run", "--json", in: folder).output.contains("null"))
        }
    }

    /// What the rules did stands in the record; evaluation and atlas see the text as it is.
    @Test func oversamplesTraining() throws {
        struct Record: Decodable {
            struct Effect: Decodable { let pattern: String, weight, textShare, trainingShare: Double }
            struct Sinks: Decodable { let ceilings: [Float] }
            let oversampling: [Effect]?
            let sinks: Sinks
        }
        func record(_ run: URL) throws -> Record {
            try JSONDecoder().decode(Record.self, from: Data(contentsOf: run.appending(path: "run.json")))
        }
        try Inputs.withFolder { folder in
            let plain = try Discover.model(folder).finished(in: Inputs.place("plain", in: folder))
            #expect(try record(plain).oversampling == nil)
            let place = try Inputs.place("heavy", in: folder)
            let heavy = try Discover.model(folder, "--oversample", "opt*=3").finished(in: place)
            let effect = try #require(try record(heavy).oversampling?.first)
            #expect(try record(heavy).sinks.ceilings == record(plain).sinks.ceilings)
            #expect(effect.pattern == "opt*" && effect.weight == 3)
            // Half of the documents; of some 130 contexts drawn a share has a standard deviation of .04.
            #expect(abs(effect.textShare - 0.5) < 0.1)
            let expected = 3 * effect.textShare / (1 + 2 * effect.textShare)
            #expect(abs(effect.trainingShare - expected) < 0.15, "\(effect.trainingShare), expected \(expected)")

            func evaluation(_ run: URL, _ metric: String) throws -> Double? {
                let json = try JSONSerialization.jsonObject(
                    with: Data(contentsOf: run.appending(path: "evaluation.json")))
                return ((json as? [String: Any])?["metrics"] as? [String: [String: Double]])?[metric]?["value"]
            }
            // The model without any dictionary is measured on the same text, and does as well there.
            #expect(try evaluation(heavy, "ce_clean") == evaluation(plain, "ce_clean"))
            #expect(try evaluation(heavy, "fvu") != evaluation(plain, "fvu"))

            expectFailure(
                try Command(["discover", "--resume", "run", "--oversample", "opt*=4"], in: place).run(), 64,
                mentions: "contexts.oversample.opt* was unset, is 4")
            let url = heavy.appending(path: "run.json")
            let text = try String(contentsOf: url, encoding: .utf8)
            try Data(text.replacing("\"opt*\" : 3", with: "\"opt*\" : 4").utf8).write(to: url)
            expectFailure(
                try Command(["discover", "--resume", "run"], in: place).run(), 64, mentions: "oversampling", "changed")
        }
    }

    @Test func threadsChangeNothing() throws {
        try Inputs.withFolder { folder in
            for make in [Discover.matrix(folder), Discover.model(folder)] {
                let places = try ["1", "2", "3"].map { threads in
                    let place = try Inputs.place("\(make.arguments[1].suffix(5))-\(threads)", in: folder)
                    _ = try Discover(arguments: make.arguments + ["--threads", threads]).finished(in: place)
                    return place.appending(path: "run")
                }
                try expectSameRun(places[0], places[1])
                try expectSameRun(places[0], places[2])
            }
        }
    }
}
