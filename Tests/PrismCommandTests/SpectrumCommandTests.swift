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
}
