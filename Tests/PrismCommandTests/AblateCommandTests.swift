import Foundation
import PrismCore
import PrismTestSupport
import Testing

/// `prism ablate` on the model that comes with Prism, and a run of it.
@Suite struct AblateCommandTests {
    static let prompt = ["--prompt", "the light of a red prism"]

    /// JSON does not depend on threads; a file of edits does what options do.
    @Test func takesUnitsAway() throws {
        try Inputs.withFolder { folder in
            _ = try Discover.oneLayer().finished(in: folder)
            func json(_ arguments: [String], threads: String = "2") throws -> String {
                let all =
                    ["ablate", "run"] + arguments + Self.prompt + ["--generate", "6", "--json", "--threads", threads]
                let outcome = try Command(all, in: folder).run()
                #expect(outcome.status == 0, "\(arguments): \(outcome.complaints)")
                return outcome.output
            }
            let latents = (0..<96).map(String.init).joined(separator: ",")
            for (options, edits) in [
                (["--latent", latents], "[{latents: [\(latents)], ablate: zero}]"),
                (
                    ["--neuron", "0:5,0:70", "--with", "mean", "--at", "-1"],
                    "[{neurons: [5, 70], layer: 0, ablate: mean, at: -1}]"
                ),
                (
                    ["--head", "0:1", "--from", "he said that he was", "--at", "1-3"],
                    "[{heads: [1], layer: 0, replace: he said that he was, at: 1-3}]"
                ),
            ] {
                try Data(edits.utf8).write(to: folder.appending(path: "edits.yaml"))
                let found = try json(options)
                #expect(try json(options, threads: "1") == found && json(["--edits", "edits.yaml"]) == found)
                #expect(found.contains("\"moved\""))
            }
            let table = try Command(
                ["ablate", "one-layer", "--head", "0:0,0:1,0:2,0:3"] + Self.prompt + ["--generate", "6"], in: folder
            ).run()
            for words in ["KL, nats", "After the prompt:", "\nclean: ", "\nchanged: "] {
                #expect(table.output.contains(words), "\(words)")
            }
        }
    }

    @Test func refusesInOneSentence() throws {
        try Inputs.withFolder { folder in
            _ = try Discover.oneLayer().finished(in: folder)
            try succeed(Discover.model(folder).arguments.dropLast() + ["other"], in: folder)
            for (name, yaml) in [("latents", "[{latents: [96], add: 1}]"), ("kind", "[{latents: all, add: 1}]")] {
                try Data(yaml.utf8).write(to: folder.appending(path: "\(name).yaml"))
            }
            func refuses(_ arguments: String..., status: Int32 = 64, mention: String) throws {
                expectFailure(
                    try Command(["ablate"] + arguments + Self.prompt, in: folder).run(), status, mentions: mention)
            }
            try refuses("run", mention: "name what to change")
            try refuses("run", "--latent", "96", mention: "run has no latent 96: they are 0 to 95")
            try refuses("run", "--latent", "7,7", mention: "twice")
            try refuses("run", "--latent", "x", mention: "‘x’ names no latents")
            try refuses("one-layer", "--latent", "7", mention: "name a run instead of a model")
            try refuses("one-layer", "--neuron", "1:7", mention: "there is no layer 1")
            try refuses("one-layer", "--neuron", "0:512", mention: "layer 0 has no neuron 512: they are 0 to 511")
            try refuses("one-layer", "--neuron", "7", mention: "layer:number")
            try refuses("one-layer", "--head", "0:4", mention: "layer 0 has no head 4")
            try refuses("one-layer", "--head", "0:1", "--with", "meen", mention: "not ‘meen’")
            try refuses("one-layer", "--head", "0:1", "--with", "zero", "--from", "a", mention: "not both")
            try refuses("one-layer", "--head", "0:1", "--with", "mean", mention: "a model alone has no text")
            try refuses("one-layer", "--head", "0:1", "--at", "-9", mention: "heads 1 of layer 0 selects no position")
            try refuses("one-layer", "--head", "0:1", "--at", "end", mention: "‘end’ names no positions")
            try refuses("one-layer", "--head", "0:1", "--drop-error", mention: "only latents have an error")
            try refuses("one-layer", "--head", "0:1", "--generate", "300", mention: "context of 250")
            try refuses("one-layer", "--direction", "small.npy", mention: "--hook")
            try refuses("one-layer", "--direction", "small.npy", "--hook", "hook_embed", mention: "has 48000 numbers")
            try refuses("one-layer", "--edits", "none.yaml", mention: "there is no file")
            try refuses("run", "--edits", "latents.yaml", mention: "run has no latent 96")
            try refuses("run", "--edits", "kind.yaml", status: 65, mention: "edit 1: ‘latents’ must be a list")
            try refuses("run", "--edits", "latents.yaml", "--latent", "7", mention: "--edits says what is changed")
            try refuses("run:first", "--latent", "7", mention: "leave ‘first’ out")
            try refuses("none", "--latent", "7", mention: "there is no run and no model")
            try refuses("run", "other", "--latent", "7", mention: "are of different models")
            try refuses("run", "--latent", "7", "--dictionary", "none", mention: "no dictionary ‘none’")
            expectFailure(
                try Command(["ablate", "run", "--latent", "7", "--prompt", ""], in: folder).run(), 64,
                mentions: "the prompt is empty")

            // Another model in the place of the one that the dictionary was trained on, and a record cut short.
            let weights = folder.appending(path: "model/model.safetensors")
            var bytes = try Data(contentsOf: weights)
            bytes[bytes.count - 1] ^= 0x40
            try bytes.write(to: weights)
            try refuses("other", "--latent", "7", status: 65, mention: "has changed since")
            try Data("{".utf8).write(to: folder.appending(path: "run/run.json"))
            try refuses("run", "--latent", "7", status: 65, mention: "run.json")
        }
    }
}
