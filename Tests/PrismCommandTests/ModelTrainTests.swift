import Foundation
import PrismCore
import PrismTestSupport
import Testing

@Suite(.serialized) struct ModelTrainTests {
    private static let settings = """
        text: text
        vocabulary: 300
        width: 16
        heads: 2
        context: 32
        batch: 8
        tokens: 25600
        evaluation_tokens: 500
        checkpoint_every: 10
        learning_rate: 5e-3
        """

    private func withText<R>(_ body: (URL) throws -> R) throws -> R {
        try withTemporaryFolder { folder in
            let folder = folder.resolvingSymlinksInPath()
            try Inputs.writeText(to: folder.appending(path: "text"))
            try Data(Self.settings.utf8).write(to: folder.appending(path: "model.yaml"))
            return try body(folder)
        }
    }

    private static let results = [
        "config.json", "evaluation.json", "metrics.jsonl", "model.safetensors", "tokenizer.json", "training.json",
    ]

    /// From text to a model that the other commands take, better than the tokens' frequencies.
    @Test func aModelIsTrainedAndUsed() throws {
        try withText { folder in
            let json = try prism("model", "train", "model.yaml", "--out", "mine", "--json", in: folder).output
            struct Result: Decodable { let nats_per_token, unigram_nats_per_token, bits_per_byte: Double, tokens: Int }
            let result = try JSONDecoder().decode(Result.self, from: Data(json.utf8))
            #expect(result.nats_per_token < result.unigram_nats_per_token - 0.2)
            #expect(result.tokens > 300 && result.bits_per_byte > 0)
            let info = try prism("model", "info", "mine", in: folder).output
            #expect(info.contains("gpt2") && info.contains("64 neurons"))
            let written = try prism("model", "generate", "mine", "--prompt", "the light", "--tokens", "5", in: folder)
            #expect(written.output.count > "the light".count)
            // Finished is finished: again costs nothing and says the same.
            #expect(try prism("model", "train", "--resume", "mine", "--json", in: folder).output == json)
        }
    }

    /// Killed at several moments and resumed with another number of threads, it ends with the same bytes.
    @Test func killedAndResumedItEndsTheSame() throws {
        try withText { folder in
            try prism("model", "train", "model.yaml", "--out", "whole", "--threads", "1", in: folder)
            let run = folder.appending(path: "killed")
            var arguments = ["model", "train", "model.yaml", "--out", "killed"]
            var kills = 0
            for moment in [
                Moment.file("tokenizer.json"), .file("checkpoints/000000010"),
                .file("checkpoints/000000060", after: 0.01),
            ] {
                if try Command(arguments, in: folder).run(until: moment, run: run) != nil { kills += 1 }
                arguments = ["model", "train", "--resume", "killed", "--threads", "2"]
            }
            #expect(kills >= 2)
            try succeed(arguments, in: folder)
            for name in Self.results {
                let (a, b) = (folder.appending(path: "whole/\(name)"), run.appending(path: name))
                #expect(try Data(contentsOf: a) == Data(contentsOf: b), "\(name)")
            }
        }
    }

    /// Without a model, the one that comes with Prism is taken, and named so that the run can be moved and resumed.
    @Test func discoverWithoutAModelTakesTheOneThatComesWithPrism() throws {
        try withText { folder in
            try succeed(
                [
                    "discover", "--text", "text", "--latents", "64", "--k", "4", "--batch", "64", "--tokens", "2000",
                    "--buffer", "1000", "--evaluation-tokens", "500", "--atlas-tokens", "500", "--context", "32",
                    "--out", "run",
                ], in: folder)
            let record = try String(contentsOf: folder.appending(path: "run/run.json"), encoding: .utf8)
            #expect(record.contains(#""model" : "one-layer""#) && record.contains("blocks.0.mlp.hook_post"))
            try prism("evaluate", "run", in: folder)
            #expect(try prism("model", "info", "one-layer", in: folder).output.contains("512 neurons, relu"))
        }
    }

    @Test func callsThatCannotBeMetAreRefused() throws {
        try withText { folder in
            func run(_ arguments: String...) throws -> Outcome {
                try Command(["model", "train"] + arguments, in: folder).run()
            }
            func write(_ name: String, _ text: String) throws {
                try Data(text.utf8).write(to: folder.appending(path: name))
            }
            try expectFailure(run(), 64, mentions: "say what to train")
            try expectFailure(run("none.yaml", "--out", "a"), 64, mentions: "none.yaml")
            try write("odd.yaml", "text: text\nwidht: 3\n")
            try expectFailure(run("odd.yaml", "--out", "a"), 64, mentions: "odd.yaml", "‘widht’", "width")
            try write("heads.yaml", "text: text\nheads: 3\n")
            try expectFailure(run("heads.yaml", "--out", "a"), 64, mentions: "‘heads’ must divide ‘width’")
            try write("word.yaml", "text: text\nwidth: wide\n")
            try expectFailure(run("word.yaml", "--out", "a"), 64, mentions: "‘width’ cannot be ‘wide’")
            try write("bare.yaml", "width: 16\n")
            try expectFailure(run("bare.yaml", "--out", "a"), 64, mentions: "‘text’ is missing")
            try expectFailure(run("model.yaml", "--out", "text"), 64, mentions: "exists already")
            try expectFailure(run("--resume", "text"), 64, mentions: "no training of a model")
            #expect(!FileManager.default.fileExists(atPath: folder.appending(path: "a").path))

            try prism("model", "train", "model.yaml", "--out", "mine", in: folder)
            try FileManager.default.removeItem(at: folder.appending(path: "mine/evaluation.json"))
            try write("text/optics/0.txt", "changed")
            try expectFailure(run("--resume", "mine"), 64, mentions: "the text has changed")
        }
    }
}
