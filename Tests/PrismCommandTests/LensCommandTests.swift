import Foundation
import PrismCausal
import PrismCore
import PrismTestSupport
import Testing

/// `prism lens` on the model that comes with Prism.
@Suite struct LensCommandTests {
    @Test func tunesAndReads() throws {
        try Inputs.withFolder { folder in
            let train = ["lens", "train", "one-layer", "--text", "text", "--context", "32", "--measured", "100"]
            let outputs = try ["1", "2"].map { threads in
                let outcome = try Command(
                    train + ["--steps", "30", "--json", "--threads", threads, "--out", "\(threads).safetensors"],
                    in: folder
                ).run()
                #expect(outcome.status == 0, "\(outcome.complaints)")
                return (outcome.output, try Data(contentsOf: folder.appending(path: "\(threads).safetensors")))
            }
            #expect(outputs[0] == outputs[1])
            let divergences = try JSONDecoder().decode([LensDivergence].self, from: Data(outputs[0].0.utf8))
            #expect(divergences.map(\.hook.name) == ["blocks.0.hook_resid_pre", "blocks.0.hook_resid_post"])
            #expect(divergences[0].tunedLens.high < divergences[0].logitLens.low)

            let read = ["lens", "read", "one-layer", "--prompt", "the light of a red prism"]
            let table = try Command(read + ["--tuned", "1.safetensors"], in: folder).run()
            #expect(table.status == 0 && table.output.contains("KL, nats"), "\(table.complaints)")
            // As many as there are.
            let all = try Command(read + ["--top", "4096", "--json"], in: folder).run()
            let reading = try JSONDecoder().decode(LensReading.self, from: Data(all.output.utf8))
            for row in reading.rows {
                let probabilities = row.positions[6].next.map(\.probability)
                // 4096 probabilities, each rounded as a float of around 1e-3.
                #expect(probabilities.count == 4096 && abs(probabilities.reduce(0, +) - 1) < 1e-5)
            }
            #expect(reading.rows[1].positions.allSatisfy { $0.divergence == 0 })
            try succeed(read + ["--top", "4096"], in: folder)

            for (arguments, status, mention) in [
                (read + ["--top", "0"], 64, "between 1 and the model's 4096"),
                (read + ["--top", "4097"], 64, "between 1 and the model's 4096"),
                (read + ["--tuned", "none.safetensors"], 64, "none.safetensors"),
                (read + ["--tuned", "small.npy"], 65, "small.npy"),
                (
                    ["lens", "read", "model", "--prompt", "a", "--tuned", "1.safetensors"], 65,
                    "not a tuned lens of this"
                ),
                (["lens", "read", "one-layer", "--prompt", ""], 64, "the prompt is empty"),
                (["lens", "read", "none", "--prompt", "a"], 64, "there is no run and no model"),
                (train + ["--out", "1.safetensors"], 64, "exists already"),
                (train + ["--steps", "0", "--out", "new"], 64, "must be positive"),
                (["lens", "train", "one-layer", "--text", "none", "--out", "new"], 64, "there is no text"),
                (["lens", "train", "one-layer", "--text", "text", "--context", "999", "--out", "new"], 64, "250"),
            ] as [([String], Int32, String)] {
                expectFailure(try Command(arguments, in: folder).run(), status, mentions: mention)
            }
        }
    }
}
