import Foundation
import PrismActivations
import PrismCore
import PrismTestSupport
import Testing

@Suite struct SpectrumCommandTests {
    /// Two dictionaries of different width on the same known features, one beside the other.
    @Test func aRunIsComparedWithAnother() throws {
        try withTemporaryFolder { folder in
            var configuration = SyntheticConfiguration.small
            (configuration.features, configuration.width) = (24, 12)
            try JSONEncoder.prism.encode(configuration).write(to: folder.appending(path: "spec.json"))
            for (world, seed) in [("world", "5"), ("another", "6")] {
                try prism("synth", "spec.json", "--seed", seed, "--vectors", "3000", "--out", world, in: folder)
            }
            for (run, world, latents) in [
                ("narrow", "world", "16"), ("wide", "world", "32"), ("elsewhere", "another", "16"),
            ] {
                try prism(
                    "discover", "--activations", folder.appending(path: world).path, "--latents", latents, "--k", "2",
                    "--batch", "256", "--tokens", "30000", "--passes", "1", "--learning-rate", "0.01",
                    "--evaluation-tokens", "2000", "--out", run, in: folder)
            }
            try prism(
                "spectrum", "narrow", "--compare", "wide", "--tokens", "6000", "--out", "spectrum", in: folder)
            let json = try JSONSerialization.jsonObject(
                with: Data(contentsOf: folder.appending(path: "spectrum/spectrum.json")))
            let geometry = try #require((json as? [String: Any])?["geometry"] as? [String: Any])
            #expect((geometry["latents"] as? [Any])?.count == 16)
            let comparison = try #require(geometry["comparison"] as? [String: Any])
            #expect(comparison["name"] as? String == "wide" && comparison["otherLatents"] as? Int == 32)
            #expect(comparison["splitting"] != nil)
            let page = try String(contentsOf: folder.appending(path: "spectrum/report.html"), encoding: .utf8)
            #expect(page.contains("Beside wide"))

            let refusals = [
                (["narrow", "--compare", "elsewhere"], "other vectors"),
                (["narrow", "--compare", "nowhere:x"], "is no run"),
                (["m.gguf", "--hook", "blocks.0.hook_resid_post", "--compare", "wide"], "a model has none"),
            ]
            for (number, (arguments, reason)) in refusals.enumerated() {
                expectFailure(
                    try Command(["spectrum"] + arguments + ["--out", "refused\(number)"], in: folder).run(), 64,
                    mentions: reason)
            }
        }
    }

    /// A run on the tiny model, with concepts of one's own and the model of random weights beside it.
    @Test func aRunOnTextIsMeasured() throws {
        try Inputs.withFolder { folder in
            try succeed(Discover.model(folder).arguments, in: folder)
            let concepts = """
                concepts:
                  - {name: light, pattern: "light|glass"}
                  - {name: letters, documents: ["letters"]}
                """
            try Data(concepts.utf8).write(to: folder.appending(path: "mine.yaml"))
            let arguments = ["spectrum", "run", "--tokens", "3000", "--concepts", "mine.yaml", "--random-model"]
            for threads in ["1", "2"] {
                try succeed(arguments + ["--threads", threads, "--out", "threads-\(threads)"], in: folder)
            }
            let files = try ["1", "2"].map {
                try Data(contentsOf: folder.appending(path: "threads-\($0)/spectrum.json"))
            }
            #expect(files[0] == files[1])

            let json = try #require(try JSONSerialization.jsonObject(with: files[0]) as? [String: Any])
            let spectrum = try #require(json["spectrum"] as? [String: Any])
            let parts = try #require(spectrum["parts"] as? [[String: Any]])
            let names = parts.compactMap { $0["name"] as? String }
            #expect(names.prefix(2) == ["neurons", "latents"])
            #expect(names.contains("neurons, model of random weights"))
            #expect((parts[1]["units"] as? [Any])?.count == 96)
            let counts = try #require(spectrum["concepts"] as? [[String: Any]])
            for name in ["light", "letters"] {
                let concept = counts.first { ($0["concept"] as? [String: Any])?["name"] as? String == name }
                #expect((concept?["vectors"] as? Int ?? 0) > 100, "\(name)")
            }
            #expect((json["ledger"] as? [String: Any])?["parts"] != nil)
            let page = try String(contentsOf: folder.appending(path: "threads-1/report.html"), encoding: .utf8)
            #expect(page.contains("latents, shuffled weights"))
        }
    }

    /// Of a model that is nearly the same, latents find their like; one that reads other tokens is refused.
    @Test func dictionariesOfTwoModelsAreCompared() throws {
        try Inputs.withFolder { folder in
            let files = FileManager.default
            func place(_ name: String) -> URL { folder.appending(path: name) }
            try files.copyItem(at: place("model"), to: place("other"))
            let weights = place("other/model.safetensors")
            var bytes = try Data(contentsOf: weights)
            bytes[bytes.count - 3] ^= 1
            try bytes.write(to: weights)
            let arguments = Discover.model(folder).arguments
            try succeed(arguments, in: folder)
            let others = [place("model").path: place("other").path, "run": "other-run"]
            try succeed(arguments.map { others[$0] ?? $0 }, in: folder)
            let compare = ["spectrum", "run", "--tokens", "3000", "--ablate", "0", "--compare"]
            try succeed(compare + ["other-run", "--out", "spectrum"], in: folder)

            let data = try Data(contentsOf: place("spectrum/spectrum.json"))
            let json = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            let comparison = try #require((json["geometry"] as? [String: Any])?["comparison"] as? [String: Any])
            let matching = try #require(comparison["byActivation"] as? [String: Any])
            #expect(try #require(matching["median"] as? Double) > 0.99)
            // Their decoder rows live in different spaces.
            #expect(comparison["byDirection"] == nil && comparison["splitting"] == nil)

            try files.copyItem(at: place("other"), to: place("foreign"))
            try files.copyItem(at: place("other-run"), to: place("foreign-run"))
            for (file, old, new) in [
                ("foreign/tokenizer.json", "<s>", "<z>"),
                ("foreign-run/run.json", place("other").path, place("foreign").path),
            ] {
                let text = try String(contentsOf: place(file), encoding: .utf8)
                #expect(text.contains(old))
                try Data(text.replacing(old, with: new).utf8).write(to: place(file))
            }
            expectFailure(
                try Command(compare + ["foreign-run", "--out", "refused"], in: folder).run(), 64,
                mentions: "another tokenizer")
        }
    }

    @Test func whatCannotBeMeasuredIsRefused() throws {
        try Inputs.withFolder { folder in
            try succeed(Discover.model(folder).arguments, in: folder)
            try Data("concepts: [{name: never, pattern: qqq}]".utf8).write(to: folder.appending(path: "never.yaml"))
            let refusals = [
                (["run", "--tokens", "3000", "--concepts", "never.yaml"], "‘never’ holds none of the"),
                (["run", "--tokens", "900"], "at least 2112 vectors"),
                (["run", "--text", "text"], "--text goes with a model"),
                (["model"], "a model needs --hook"),
                (["model", "--hook", "blocks.0.mlp.hook_post"], "give the model some text"),
                (
                    ["model", "--hook", "blocks.0.mlp.hook_post", "--text", "text", "--tokens", "300"],
                    "intervals need at least 20 contexts"
                ),
            ]
            for (number, (arguments, reason)) in refusals.enumerated() {
                expectFailure(
                    try Command(["spectrum"] + arguments + ["--out", "refused\(number)"], in: folder).run(), 64,
                    mentions: reason)
            }
            // The model of the dictionary is not the one that lies there now.
            let weights = folder.appending(path: "model/model.safetensors")
            var bytes = try Data(contentsOf: weights)
            bytes[bytes.count - 1] ^= 1
            try bytes.write(to: weights)
            expectFailure(
                try Command(["spectrum", "run", "--tokens", "3000", "--out", "refused"], in: folder).run(), 64,
                mentions: "its digest has changed")
        }
    }
}
