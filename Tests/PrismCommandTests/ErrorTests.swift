import Foundation
import PrismCore
import PrismFormats
import PrismTensor
import PrismTestSupport
import Testing

/// Whatever is wrong, the user reads one sentence, the status tells whose fault it is, and nothing is written.
@Suite struct ErrorTests {
    /// Runs a command that must fail, and looks for traces.
    func expect(
        _ arguments: [String], in folder: URL, _ status: Int32, mentions: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        func files() -> [String] {
            (FileManager.default.enumerator(atPath: folder.path)?.allObjects as? [String] ?? []).sorted()
        }
        let before = files()
        let outcome = try Command(arguments, in: folder).run()
        expectFailure(outcome, status, mentions: mentions, sourceLocation: sourceLocation)
        #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
        #expect(files() == before, sourceLocation: sourceLocation)
    }

    @Test func discoverRefusesWrongCalls() throws {
        try Inputs.withFolder { folder in
            let matrix = [
                "discover", "--activations", "small.npy", "--latents", "48", "--k", "4", "--batch", "64", "--out",
                "run",
            ]
            let model = [
                "discover", "model", "--text", "text", "--latents", "48", "--k", "4", "--batch", "64", "--out", "run",
            ]
            let hook = ["--hook", "blocks.0.hook_resid_post"]
            func refuses(_ arguments: [String], _ mentions: String, sourceLocation: SourceLocation = #_sourceLocation)
                throws
            {
                try expect(arguments, in: folder, 64, mentions: mentions, sourceLocation: sourceLocation)
            }
            try refuses(["discover"], "--out")
            try refuses(["discover", "--out", "run"], "either a model")
            try refuses(matrix + ["model"], "either a model")
            try refuses(["discover", "model", "--out", "run"], "--text")
            try refuses(["discover", "missing", "--text", "text", "--out", "run"], "missing")
            try refuses(["discover", "--activations", "missing.npy", "--out", "run"], "missing.npy")
            try refuses(["discover", "model", "--text", "missing", "--out", "run"] + hook, "missing")
            try refuses(model + ["--hook", "blocks.0.nonsense"], "there is no hook point ‘blocks.0.nonsense’")
            try refuses(model + ["--hook", "blocks.2.hook_resid_post"], "layers are 0 to 1")
            try refuses(model + hook + ["--context", "129"], "128")
            try refuses(model + hook + ["--context", "1"], "context")
            try refuses(matrix + ["--latents", "3"], "k must lie between 1 and the 3 latents")
            try refuses(matrix + ["--k", "0"], "k must")
            try refuses(matrix + ["--batch", "5000"], "5000")
            try refuses(matrix + ["--batch", "1"], "batch")
            try refuses(matrix + ["--batch", "0"], "batch")
            try refuses(model + hook + ["--batch", "1000000", "--tokens", "2000"], "1000000")
            try refuses(matrix + ["--latents", "4000000000"], "GB")
            try refuses(matrix + ["--held-out", "0"], "held-out")
            try refuses(matrix + ["--held-out", "nan"], "held-out")
            try refuses(matrix + ["--held-out", "0.99999"], "--held-out")
            try refuses(matrix + ["--evaluation-tokens", "0"], "evaluation tokens")
            try refuses(matrix + ["--passes", "0"], "passes")
            try refuses(matrix + ["--tokens=-4"], "tokens")
            try refuses(matrix + ["--learning-rate", "0"], "learning rate")
            try refuses(matrix + ["--learning-rate", "nan"], "learning rate")
            try refuses(matrix + ["--threads", "0"], "threads")
            try refuses(matrix + ["--seed", "one"], "--seed")
            try refuses(matrix + ["--precision", "fp8"], "fp32")
            try refuses(matrix + ["--latens", "3"], "--latents")
            try refuses(model + hook + ["--oversample", "arabic*=4"], "sources are letters, optics")
            try refuses(model + hook + ["--oversample", "/[/=4"], "‘/[/’ is no regular expression")
            try refuses(model + hook + ["--oversample", "optics=0"], "must lie above 0")
            try refuses(model + hook + ["--oversample", "optics"], "‘optics’ must be a pattern and a weight")
            try refuses(matrix + ["--oversample", "optics=2"], "prism harvest")
            try refuses(["discoverr"], "discoverr")
        }
    }

    @Test func textThatHoldsNothing() throws {
        try Inputs.withFolder { folder in
            let discover = ["discover", "model", "--hook", "hook_embed", "--batch", "64", "--out", "run", "--text"]
            _ = try Inputs.place("empty", in: folder)
            try expect(discover + ["empty"], in: folder, 64, mentions: "empty")
            try Data().write(to: folder.appending(path: "empty.txt"))
            try expect(discover + ["empty.txt"], in: folder, 65, mentions: "no context")
            try Data("Just a few".utf8).write(to: folder.appending(path: "short.txt"))
            try expect(discover + ["short.txt"], in: folder, 65, mentions: "give more text")
        }
    }

    @Test func matricesThatAreNone() throws {
        try Inputs.withFolder { folder in
            let vectors = Inputs.planted(vectors: 400)
            func refuses(_ mentions: String, sourceLocation: SourceLocation = #_sourceLocation, _ content: Data) throws
            {
                try content.write(to: folder.appending(path: "bad.npy"))
                let arguments = [
                    "discover", "--activations", "bad.npy", "--latents", "48", "--batch", "64", "--out", "run",
                ]
                try expect(arguments, in: folder, 65, mentions: mentions, sourceLocation: sourceLocation)
            }
            func npy(_ tensor: Tensor) throws -> Data {
                try NpyFile.write(tensor, to: folder.appending(path: "bad.npy"))
                return try Data(contentsOf: folder.appending(path: "bad.npy"))
            }
            try refuses("bad.npy", Data())
            try refuses("numpy.save", Data("1,2,3\n4,5,6\n".utf8))
            try refuses("[400]", npy(vectors.reshaped(4800).rows(0..<400)))
            try refuses("[40, 10, 12]", npy(vectors.reshaped(40, 10, 12)))
            try refuses("no vectors", npy(vectors.rows(0..<0)))
            let whole = try npy(vectors)
            var other = whole
            other.replaceSubrange(other.firstRange(of: Data("<f4".utf8))!, with: Data("<u2".utf8))
            try refuses("‘<u2’", other)
            for length in [5, 9, 60, 127, 128, 1000] { try refuses("bad.npy", whole.prefix(length)) }
            for value in [Float.nan, .infinity, -.infinity] {
                let damaged = vectors.copy()
                damaged[7][3] = value
                try refuses("row 7, column 3", npy(damaged))
            }
            try refuses("zero", npy(Tensor(4000, 12)))
        }
    }

    @Test func modelsThatAreNone() throws {
        let real = try Data(contentsOf: realModel(), options: .alwaysMapped)
        try Inputs.withFolder { folder in
            let discover = ["discover", "bad.gguf", "--text", "text", "--batch", "64", "--out", "run"]
            let url = folder.appending(path: "bad.gguf")
            var generator = SeededGenerator(seed: 1, stream: "junk")
            let junk = Data((0..<5000).map { _ in UInt8.random(in: 0...255, using: &generator) })
            for content in [Data(), junk, Data("GGUF".utf8) + junk, Data("GGUF\u{3}\0\0\0".utf8) + junk] {
                try content.write(to: url)
                try expect(discover, in: folder, 65, mentions: "bad.gguf")
                try expect(["model", "info", "bad.gguf"], in: folder, 65, mentions: "bad.gguf")
            }
            for length in [3, 4, 8, 23, 24, 500, 70_000, 1_900_000, real.count / 2, real.count - 1] {
                try real.prefix(length).write(to: url)
                try expect(discover, in: folder, 65, mentions: "bad.gguf")
            }
            try FileManager.default.removeItem(at: url)
            try expect(["discover", "text", "--text", "text", "--out", "run"], in: folder, 65, mentions: "config.json")
            let weights = folder.appending(path: "model/model.safetensors")
            let whole = try Data(contentsOf: weights)
            for length in [0, 7, 100, 2000, whole.count - 1] {
                try whole.prefix(length).write(to: weights)
                try expect(
                    ["discover", "model", "--text", "text", "--out", "run"], in: folder, 65,
                    mentions: "model.safetensors")
            }
        }
    }

    @Test func otherCommandsRefuseWrongCalls() throws {
        try Inputs.withFolder { folder in
            let run = try Discover.matrix(folder, "--tokens", "640").finished(in: folder)
            func refuses(
                _ arguments: String..., status: Int32 = 64, mentions: String,
                sourceLocation: SourceLocation = #_sourceLocation
            )
                throws
            {
                try expect(arguments, in: folder, status, mentions: mentions, sourceLocation: sourceLocation)
            }
            try refuses("harvest", mentions: "<model>")
            try refuses("harvest", "model", "--text", "text", "--out", "run", mentions: "run exists already")
            try refuses("harvest", "model", "--text", "text", "--out", "new", "--tokens", "0", mentions: "tokens")
            try refuses("harvest", "model", "--text", "text", "--out", "new", mentions: "layers are 0 to 1")
            try refuses("evaluate", "text", mentions: "text is no run")
            try refuses("evaluate", "run", "--tokens=-1", mentions: "tokens")
            try refuses("encode", "run/dictionary", "small.npy", mentions: "--latents")
            try refuses("encode", "text", "small.npy", "--latents", "x.npy", mentions: "cfg.json")
            try refuses("encode", "run/dictionary", "missing.npy", "--latents", "x.npy", mentions: "missing.npy")
            try refuses(
                "encode", "run/dictionary", "small.npy", "--latents", "no/x.npy", status: 1, mentions: "no/x.npy")
            try refuses("model", "run", "model", "--prompt", "", mentions: "prompt")
            try refuses("model", "run", "model", "--prompt", "a", "--top", "0", mentions: "top")
            try refuses("model", "run", "model", "--prompt", "a", "--hook", "nonsense", mentions: "nonsense")
            try refuses(
                "model", "run", "model", "--prompt", "a", "--hook", "blocks.2.mlp.hook_post",
                mentions: "layers are 0 to 1")
            try refuses("model", "generate", "model", "--prompt", "", mentions: "prompt")
            try refuses("model", "generate", "model", "--prompt", "a", "--tokens=-1", mentions: "tokens")
            try refuses("model", "generate", "model", "--prompt", "a", "--tokens", "200", mentions: "128")
            try refuses("model", "generate", "model", "--prompt", "a", "--temperature=-1", mentions: "temperature")
            try refuses(
                "model", "generate", "model", "--prompt", "a", "--top-p", "2", "--temperature", "1", mentions: "top-p")
            let wide = Inputs.planted(vectors: 10, width: 13)
            try NpyFile.write(wide, to: folder.appending(path: "wide.npy"))
            try refuses("encode", "run/dictionary", "wide.npy", "--latents", "x.npy", status: 65, mentions: "[10, 13]")
            try FileManager.default.removeItem(at: run.appending(path: "dictionary/sae_weights.safetensors"))
            try refuses("evaluate", "run", mentions: "sae_weights.safetensors")
        }
    }
}
